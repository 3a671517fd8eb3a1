-- A wave waits for this: an Application is healthy when it is synced and all in it is well.
-- The root manages itself: if it waited for its own end here, it would wait for ever.
if obj.metadata.name == "relevo" then
  return {status = "Healthy", message = "judged by what it holds"}
end
local health = {status = "Progressing", message = "waits for its first sync"}
local status = obj.status
if status == nil or status.health == nil or status.sync == nil then
  return health
end
local phase = status.operationState ~= nil and status.operationState.phase or ""
health.message = status.operationState ~= nil and status.operationState.message or ""
if status.health.status == "Degraded" or phase == "Failed" or phase == "Error" then
  health.status = "Degraded"
elseif status.health.status == "Healthy" and status.sync.status == "Synced" and phase == "Succeeded" then
  health.status = "Healthy"
end
return health
