//! People elsewhere who write a store or a plugin, and test it with the testkit: their
//! crates are made of the blocks on the front pages, in folders outside of this workspace.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{fs, path::Path};

use annunciator_testkit::outside::Project;
use annunciator_tests::apart::root;

/// What stands on the front page of a crate of this workspace: its blocks, in their order.
struct FrontPage(Vec<String>);

impl FrontPage {
    fn of(name: &str) -> Self {
        let page = fs::read_to_string(root().join("crates").join(name).join("src/lib.rs")).unwrap();
        let lines = page.lines().map_while(|line| line.strip_prefix("//!"));
        let text: Vec<&str> = lines
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            // Lines that only the documentation's own test needs.
            .filter(|line| !line.starts_with("# "))
            .collect();
        let text = text.join("\n");
        // Each second part stands between two fences.
        let blocks = text.split("\n```").skip(1).step_by(2);
        let crates = root().join("crates").canonicalize().unwrap();
        Self(
            blocks
                .map(|block| block.replace("…/crates", &crates.display().to_string()))
                .collect(),
        )
    }

    /// The block in which something stands, without the line that opens it.
    fn block(&self, with: &str) -> &str {
        let block = self.0.iter().find(|block| block.contains(with));
        let block = block.unwrap_or_else(|| panic!("no block has {with}"));
        block.split_once('\n').unwrap().1
    }
}

fn project() -> Project {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects");
    Project::new(&root().join("Cargo.lock"), &shared).unwrap()
}

fn manifest(name: &str, rest: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{rest}\n\
         [profile.dev]\ndebug = false\n\n[workspace]\n"
    )
}

/// The tests that passed, by what cargo says.
fn passed(said: &str) -> usize {
    said.lines().filter(|line| line.ends_with("... ok")).count()
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn a_store_of_somebody_else_passes_the_suite_and_answers_as_the_model() {
    let page = FrontPage::of("testkit");
    let project = project();
    let dependencies = page.block("features = [\"stores\"]");
    let dependencies = manifest("my-store", dependencies);
    project.write("Cargo.toml", &dependencies).unwrap();
    project.write("src/lib.rs", "").unwrap();
    let test = page.block("store_suite!(");
    project.write("tests/conformance.rs", test).unwrap();
    let said = project.cargo(&["test", "--test", "conformance"]).unwrap();
    assert!(passed(&said) > 50, "{said}");
    assert!(said.contains("it_answers_as_the_model_whatever_is_asked ... ok"));
    // Of what it takes to test plugins nothing was built.
    let tree = project.cargo(&["tree", "--edges", "normal,dev"]).unwrap();
    for heavy in ["annunciator v", "hyper v", "rustls v"] {
        assert!(!tree.contains(heavy), "{tree}");
    }
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn a_plugin_of_somebody_else_is_tested_as_the_shipped_ones_are() {
    let (sdk, testkit) = (FrontPage::of("sdk"), FrontPage::of("testkit"));
    let project = project();
    let of_sdk = sdk.block("annunciator-sdk = {");
    let (before, _) = of_sdk.split_once("[dev-dependencies]").unwrap();
    let of_testkit = testkit.block("features = [\"plugins\", \"http\"]");
    let (_, tests) = of_testkit.split_once("[dev-dependencies]").unwrap();
    let dependencies = format!("{before}[dev-dependencies]{tests}");
    let dependencies = manifest("carrier", &dependencies);
    project.write("Cargo.toml", &dependencies).unwrap();
    let provider = sdk.block("impl Provider for Carrier");
    let (provider, _) = provider.split_once("// A test needs no host").unwrap();
    project.write("src/lib.rs", provider).unwrap();
    let test = testkit.block("Live::with_plugin");
    project.write("tests/carrier.rs", test).unwrap();
    let said = project.cargo(&["test", "--test", "carrier"]).unwrap();
    assert_eq!(passed(&said), 2, "{said}");
    // Stand-ins of the four services are not for it.
    let tree = project.cargo(&["tree", "--edges", "normal,dev"]).unwrap();
    assert!(!tree.contains("mail-parser v"), "{tree}");
}
