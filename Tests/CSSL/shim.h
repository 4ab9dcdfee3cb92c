#pragma once
// The emulator's TLS, digests and signatures. Only tests link libssl: the program itself speaks TLS by libcurl and libpq.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
