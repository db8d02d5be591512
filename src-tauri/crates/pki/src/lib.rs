//! certdesk-pki
