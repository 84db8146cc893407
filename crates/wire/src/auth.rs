//! Passwords and what is made of them. Manual: "SASL Authentication", "Password Authentication".
//!
//! Pure: nonces and salts come in as arguments, and the one slow step ([`scram::derive`]) is a function that the
//! caller runs where it likes. Who may log in is not decided here.

pub mod md5;
pub mod scram;
pub mod secret;
