-- A claim may wait for its first pod: the volume of backups is bound on the first night.
local health = {status = "Healthy", message = ""}
if obj.status ~= nil and obj.status.phase == "Lost" then
  health.status = "Degraded"
end
return health
