//! Who would be notified, and when: `hbd route`, and the route tests of a configuration.
//! Each test runs the real binary.

mod asked;
mod desk;
mod tested;
