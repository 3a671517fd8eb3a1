"""Threads of XGBoost and scikit-learn wait asleep: this must be known before either is loaded."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
