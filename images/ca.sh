# Sourced: trust the certificates of the build secret `ca`, if there is one. It is mounted for a step, never stored.
if [ -s /run/secrets/ca ]; then
    export SSL_CERT_FILE=/run/secrets/ca PIP_CERT=/run/secrets/ca REQUESTS_CA_BUNDLE=/run/secrets/ca
fi
