"""The CertificateSigningRequest controllers: kubelets' requests approved, approved ones signed, old ones deleted."""
