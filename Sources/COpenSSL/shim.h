#pragma once
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

// A stack of certificates is only available by macros, which Swift can't call.
static inline int sluice_x509_count(const STACK_OF(X509) *stack) { return stack ? sk_X509_num(stack) : 0; }
static inline X509 *sluice_x509_at(const STACK_OF(X509) *stack, int index) { return sk_X509_value(stack, index); }
static inline void sluice_x509_free_all(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }
