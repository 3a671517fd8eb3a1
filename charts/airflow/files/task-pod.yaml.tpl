# One step of the loop. It has no secret of Airflow's: it calls the API server with its own token.
apiVersion: v1
kind: Pod
metadata:
  name: task
  labels: {tier: airflow, component: worker, release: {{ .Release.Name }}}
spec:
  restartPolicy: Never
  serviceAccountName: airflow-worker
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 60
  securityContext: {{ toJson .Values.airflow.securityContexts.pod }}
  containers:
    - name: base
      image: {{ .Values.airflow.images.airflow.repository }}:{{ .Values.airflow.images.airflow.tag }}
      env:
        {{- toYaml .Values.airflow.env | nindent 8 }}
        - name: RELEVO_WAREHOUSE_URL
          valueFrom: {secretKeyRef: {name: warehouse, key: url}}
      envFrom:
        - configMapRef: {name: airflow-tasks}
        - secretRef: {name: object-store}
      securityContext: {{ toJson .Values.airflow.securityContexts.containers }}
      resources: {{ toJson .resources }}
      volumeMounts:
        - {name: config, mountPath: /opt/airflow/airflow.cfg, subPath: airflow.cfg, readOnly: true}
        - {name: logs, mountPath: /opt/airflow/logs}
        - {name: tmp, mountPath: /tmp}
  volumes:
    - name: config
      configMap: {name: airflow-config}
    - name: logs
      emptyDir: {}
    - name: tmp
      emptyDir: {}
