//! pkcs11-profiles
