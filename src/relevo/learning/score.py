import numpy as np, onnxruntime as ort
class OnnxModel:
    def __init__(self, model):
        self.s=ort.InferenceSession(model if isinstance(model,bytes) else str(model), providers=["CPUExecutionProvider"])
    def run(self, feed): return self.s.run(["prediction"],feed)[0]
    def predict(self, frame):
        parts=[self.run(f)[:,0] for f in frame.inputs()]
        return np.concatenate(parts).astype(float) if parts else np.zeros(0)
