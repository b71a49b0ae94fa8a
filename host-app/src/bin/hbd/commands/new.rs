//! `hbd plugins new`: creates a plugin project that builds, tests itself, and complies with
//! the contract.

mod names;
mod sdk;

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use crate::{
    Exit,
    arguments::{NewPlugin, Template},
    output::Output,
};

/// The files of every project, with their names.
const COMMON: [(&str, &str); 3] = [
    (
        "Cargo.toml",
        include_str!("../../../../templates/Cargo.toml.in"),
    ),
    (
        ".gitignore",
        include_str!("../../../../templates/gitignore.in"),
    ),
    (
        "README.md",
        include_str!("../../../../templates/README.md.in"),
    ),
];
const HTTP: [(&str, &str); 2] = [
    (
        "src/lib.rs",
        include_str!("../../../../templates/http/src/lib.rs.in"),
    ),
    (
        "tests/delivery.rs",
        include_str!("../../../../templates/http/tests/delivery.rs.in"),
    ),
];
const OWN_RUNTIME: [(&str, &str); 2] = [
    (
        "src/lib.rs",
        include_str!("../../../../templates/own-runtime/src/lib.rs.in"),
    ),
    (
        "tests/delivery.rs",
        include_str!("../../../../templates/own-runtime/tests/delivery.rs.in"),
    ),
];

pub(super) fn run(new: &NewPlugin, output: &Output) -> Exit {
    let written = names::check(&new.name).and_then(|()| write(new));
    match written {
        Ok(()) => {
            let name = &new.name;
            output.line(&format!(
                "{name}/ is a plugin: its README.md says how to build, examine and use it"
            ));
            Exit::Ok
        }
        Err(sentence) => {
            output.error(&sentence);
            Exit::Wrong
        }
    }
}

fn write(new: &NewPlugin) -> Result<(), String> {
    let folder = Path::new(&new.name);
    let filled = Filled::of(new)?;
    let files = match new.template {
        Template::Http => HTTP,
        Template::OwnRuntime => OWN_RUNTIME,
    };
    let failed = |error: io::Error| {
        let name = &new.name;
        match error.kind() {
            ErrorKind::AlreadyExists => {
                format!("{name} exists: choose another name, or another folder")
            }
            _ => format!("{name} cannot be written: {error}"),
        }
    };
    fs::create_dir(folder).map_err(failed)?;
    for (path, template) in COMMON.iter().chain(&files) {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(failed)?;
        fs::write(path, filled.fill(template)).map_err(failed)?;
    }
    Ok(())
}

/// The values for the placeholders of a template.
struct Filled([(&'static str, String); 8]);

impl Filled {
    fn of(new: &NewPlugin) -> Result<Self, String> {
        let name = &new.name;
        let snake = name.replace('-', "_");
        let sdk = sdk::find(new.sdk.as_deref())?;
        // A JSON string is a TOML string unless it has control characters.
        let sdk = sdk
            .to_str()
            .filter(|path| !path.chars().any(char::is_control));
        let sdk = sdk.ok_or("the SDK's folder has a name that no manifest can contain")?;
        let sdk = format!("{{ path = {} }}", serde_json::Value::from(sdk));
        let env = format!("{}_TOKEN", snake.to_uppercase());
        let (features, dependencies, address) = match new.template {
            Template::Http => ("", "", format!("url: https://{snake}.example.com/messages")),
            Template::OwnRuntime => (
                r#", features = ["own-runtime"]"#,
                "tokio = { version = \"1\", features = [\"io-util\", \"net\"] }\n",
                "address: 127.0.0.1:7000".to_owned(),
            ),
        };
        let recipient = match new.template {
            Template::Http => "\n    recipient: ops",
            Template::OwnRuntime => "",
        };
        let example =
            format!("    type: {snake}\n    {address}\n    token: {{ env: {env} }}{recipient}");
        Ok(Self([
            ("{name}", name.clone()),
            ("{crate}", snake.clone()),
            ("{type}", snake),
            ("{env}", env),
            ("{sdk}", sdk),
            ("{features}", features.to_owned()),
            ("{dependencies}", dependencies.to_owned()),
            ("{example}", example),
        ]))
    }

    fn fill(&self, template: &str) -> String {
        let Self(places) = self;
        places
            .iter()
            .fold(template.to_owned(), |text, (place, with)| {
                text.replace(place, with)
            })
    }
}
