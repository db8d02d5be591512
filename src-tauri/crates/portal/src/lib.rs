//! certdesk-portal
