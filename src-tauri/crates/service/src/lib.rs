//! certdesk-service
