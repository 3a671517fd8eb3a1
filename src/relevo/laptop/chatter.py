def airflow_line(l): return l
def data_api_line(l): return l
def mlflow_line(l): return l
