def draw(*a):
    return {"x.png": b""}
