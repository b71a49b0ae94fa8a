//! Tests of the whole system: this crate holds what they share.

pub mod altered;
pub mod apart;
pub mod foreign;
pub mod frozen;
pub mod hbd;
pub mod museum;
pub mod said;
pub mod yaml;
