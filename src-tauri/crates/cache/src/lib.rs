//! certdesk-cache
