//! Who would be told, and when: `hbd route`, and the tests of it that stand in the
//! configuration. Each test of ours runs the real binary.

mod asked;
mod desk;
mod tested;
