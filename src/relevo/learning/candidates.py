from dataclasses import dataclass
import numpy as np
@dataclass(frozen=True)
class LinearBaseline:
    name: str = "linear"
    log_target: bool = True
    def fit(self, train, validation, seed):
        n=list(train.numbers); X=np.column_stack([np.nan_to_num(np.log1p(train.numbers[k])) for k in n]+[np.ones(len(train))])
        w,*_=np.linalg.lstsq(X,np.log(train.target),rcond=None)
        return Linear(tuple(n),tuple(train.categories),w)
BoostedTrees=LinearBaseline
@dataclass
class Linear:
    n: tuple; c: tuple; w: object; name: str="linear"
    def predict(self, f): return np.exp(sum(np.nan_to_num(np.log1p(f.numbers[k]))*w for k,w in zip(self.n,self.w))+self.w[-1]).astype(float)
    def to_onnx(self):
        from onnx import helper as h, TensorProto as T, numpy_helper as nh
        nodes=[];ins=[];acc=None
        inits=[nh.from_array(np.array([[1]],np.float32),"one"),nh.from_array(np.array([[self.w[-1]]],np.float32),"b")]
        acc="b"
        for k,w in zip(self.n,self.w):
            ins.append(h.make_tensor_value_info(k,T.FLOAT,[None,1]))
            inits.append(nh.from_array(np.array([[w]],np.float32),"w_"+k))
            nodes+=[h.make_node("Add",[k,"one"],["p_"+k]),h.make_node("Log",["p_"+k],["l_"+k]),h.make_node("Mul",["l_"+k,"w_"+k],["m_"+k]),h.make_node("Add",[acc,"m_"+k],["a_"+k])]; acc="a_"+k
        for k in self.c: ins.append(h.make_tensor_value_info(k,T.STRING,[None,1]))
        nodes.append(h.make_node("Exp",[acc],["prediction"]))
        m=h.make_model(h.make_graph(nodes,"g",ins,[h.make_tensor_value_info("prediction",T.FLOAT,[None,1])],inits),opset_imports=[h.make_opsetid("",17)]); m.ir_version=8
        return m.SerializeToString()
    def native_files(self): return {"w.txt":str(self.w).encode()}
    def importances(self): return {k:1.0 for k in self.n}
    def parameters(self): return {}
