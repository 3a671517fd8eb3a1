import numpy as np
def root_mean_square(t, p): return float(np.sqrt(np.mean((t-p)**2))) if len(t) else 0.0
def measure(task, t, p):
    e=p-t
    return {"rmse":root_mean_square(t,p),"mae":float(abs(e).mean()),"mape":float((abs(e)/np.maximum(abs(t),1e-9)).mean()),"mse":float((e**2).mean()),"median_ae":float(np.median(abs(e))),"r2":float(1-(e**2).sum()/((t-t.mean())**2).sum())}
def row_losses(task, log_target, t, p): return abs(np.log(np.maximum(p,1e-9))-np.log(np.maximum(t,1e-9))) if log_target else abs(p-t)
