//! certdesk-forms
