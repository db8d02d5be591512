//! certdesk-token
