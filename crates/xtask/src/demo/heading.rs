//! A heading between the parts of the demo.

pub(super) fn heading(text: &str) {
    println!("\n== {text}");
}
