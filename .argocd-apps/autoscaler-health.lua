-- Without figures it scales nothing and breaks nothing: so in the first minute of a pod, and without metrics-server.
local health = {status = "Healthy", message = ""}
for _, condition in ipairs(obj.status ~= nil and obj.status.conditions or {}) do
  if condition.type == "AbleToScale" and condition.status == "False" then
    health = {status = "Degraded", message = condition.message}
  end
end
return health
