//! Plugins that somebody else had a hand in: what is judged is what is loaded.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use annunciator::Loaded;
use annunciator_testkit::{
    artefacts::{self, executable, plugin},
    rig::Rig,
};
use annunciator_tests::altered::altered_copy;

const CHANNELS: &str = "notification_channels:\n  a: {type: steady}\n";

/// A rig with a plugin of its own, which no other test loads.
struct Place {
    rig: Rig,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let rig = Rig::new(&[]).unwrap();
        let original = plugin("fixture-steady").unwrap();
        let file = rig.plugins().join(original.file_name().unwrap());
        artefacts::copy(original, &file).unwrap();
        Self { rig, file }
    }

    fn yaml(plugins: &str) -> String {
        format!("plugins: {{{plugins}}}\n{CHANNELS}")
    }

    /// The configuration with this in its section `plugins`.
    fn load(&self, plugins: &str) -> Loaded {
        let builder = self.rig.configured(&Self::yaml(plugins)).unwrap();
        builder.load().unwrap()
    }

    /// Why the channel is disabled; nothing where it is not.
    fn refusal(&self, plugins: &str) -> String {
        let loaded = self.load(plugins);
        let channel = loaded.config.channel("a").unwrap();
        channel
            .disabled()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    fn lock_file(&self) -> PathBuf {
        self.rig.folder().join("plugins.lock")
    }

    /// Pins the plugin as it is.
    fn lock(&self) {
        let catalog = self.rig.configured(CHANNELS).unwrap().find_plugins();
        let mut lock = annunciator::Lock::empty(self.lock_file());
        for file in catalog.files() {
            lock.pin(&file.note, file.sha256().unwrap());
        }
        lock.write().unwrap();
    }

    /// Puts another file in the plugin's place.
    fn swap(&self) {
        let fresh = self.rig.folder().join("fresh.so");
        let change = ("Delivers nothing, reliably.", "Delivers nothing, Reliably.");
        altered_copy(&self.file, &fresh, &[change]).unwrap();
        fs::rename(&fresh, &self.file).unwrap();
    }
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_that_others_may_write_to_is_not_loaded() {
    let place = Place::new();
    assert_eq!(place.refusal("trust: strict"), "");
    let place = Place::new();
    permit(&place.file, 0o666);
    let refusal = place.refusal("trust: strict");
    let file = place.file.display();
    let expected = format!(
        "plugin {file} is not trusted: others may write to {file} (permissions 666): `chmod go-w {file}`; or allow it with plugins.trust: warn"
    );
    // A path with a blank is quoted.
    assert_eq!(refusal.replace('\'', ""), expected);
}

#[test]
fn a_folder_on_the_way_that_others_may_write_to_is_reported_where_that_is_wanted() {
    let place = Place::new();
    permit(place.rig.plugins(), 0o777);
    let folder = place.rig.plugins().display();
    assert!(
        place
            .refusal("trust: strict")
            .contains(&format!("others may write to {folder} "))
    );
    let loaded = place.load("trust: warn");
    assert!(loaded.config.channel("a").unwrap().disabled().is_none());
    let warnings = loaded.warnings.to_string();
    assert!(
        warnings.contains("is not trusted: others may write to"),
        "{warnings}"
    );
}

#[test]
fn another_user_s_file_is_not_loaded() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    chown(&place.file, Some(12_345), None).unwrap();
    let refusal = place.refusal("");
    assert!(refusal.contains("belongs to the user 12345"), "{refusal}");
}

/// As the system gives them to ordinary users: a group each, and umask 002.
const USER: u32 = 47_110;

/// What a user of this number is told of the plugin by `hbd check`, where the machine's
/// user database has these lines more. Nothing where the system lets nobody do that.
fn reported_to_a_user(place: &Place, group: u32, users: &str, members: &str) -> Option<String> {
    let folder = place.rig.folder();
    let database = |name: &str, lines: &str| {
        let text = fs::read_to_string(Path::new("/etc").join(name)).unwrap();
        let file = folder.join(name);
        fs::write(&file, format!("{}\n{lines}\n", text.trim_end())).unwrap();
        permit(&file, 0o644);
        file
    };
    let user = format!("annunciator-user:x:{USER}:{USER}::/:/bin/sh\n{users}");
    let passwd = database("passwd", &user);
    let groups = database("group", &format!("annunciator-user:x:{USER}:{members}"));
    // Where it was built, that user may not be able to look.
    let hbd = folder.join("hbd");
    if !hbd.exists() {
        artefacts::copy(executable("hbd").unwrap(), &hbd).unwrap();
    }
    drop(place.rig.configured(CHANNELS).unwrap());
    for (path, mode) in [
        (folder, 0o775),
        (place.rig.plugins(), 0o775),
        (&place.file, 0o664),
        (&place.rig.file(), 0o600),
    ] {
        chown(path, Some(USER), Some(group)).unwrap();
        permit(path, mode);
    }
    // Others of this machine do not see that.
    let script = r#"mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group || exit 77
        exec setpriv --reuid "$3" --regid "$3" --clear-groups "$4" --plugin-dir "$5" check"#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]);
    command.args([&passwd, &groups, Path::new(&USER.to_string()), &hbd]);
    let output = command
        .arg(place.rig.plugins())
        .current_dir(folder)
        .output();
    let output = output.ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_forbidden = output.status.code() == Some(77) || said.starts_with("unshare: ");
    (!is_forbidden).then_some(said)
}

#[test]
fn a_user_s_private_group_counts_as_the_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    let notified =
        |group, users: &str, members: &str| reported_to_a_user(&place, group, users, members);
    let Some(said) = notified(USER, "", "") else {
        return;
    };
    assert!(!said.contains("is not trusted"), "{said}");
    let said = notified(USER, "", "annunciator-user").unwrap();
    assert!(!said.contains("is not trusted"), "{said}");
    let colleague = format!("colleague:x:47111:{USER}::/:/bin/sh");
    for (group, users, members) in [
        (USER, "", "root"),
        (USER, "", "annunciator-user,root"),
        (USER, colleague.as_str(), ""),
        (USER, "+::::::", ""),
        (USER + 1, "", ""),
        (0, "", ""),
    ] {
        let said = notified(group, users, members).unwrap();
        let expected = format!("is not trusted: the group {group} may write to ");
        assert!(said.contains(&expected), "{users} {members}: {said}");
        // In quotes where the path has a blank.
        assert!(said.contains("`chmod g-w "), "{said}");
    }
}

#[test]
fn a_link_is_judged_by_where_it_leads() {
    for (mode, is_trusted) in [(0o755, true), (0o777, false)] {
        let place = Place::new();
        let elsewhere = place.rig.folder().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        permit(&elsewhere, mode);
        let real = elsewhere.join("plugin.so");
        fs::rename(&place.file, &real).unwrap();
        symlink(&real, &place.file).unwrap();
        let refusal = place.refusal("trust: strict");
        let why = format!("others may write to {} ", elsewhere.display());
        assert_eq!(refusal.is_empty(), is_trusted, "{refusal}");
        assert!(is_trusted || refusal.contains(&why), "{refusal}");
    }
}

#[test]
fn a_file_that_is_not_the_pinned_one_is_not_loaded() {
    let place = Place::new();
    place.lock();
    let pinned = sha256(&place.file);
    place.swap();
    let refusal = place.refusal("lock: require");
    let (file, lock) = (place.file.display(), place.lock_file());
    let expected = format!(
        "plugin {file} (fixture-steady 0.1.0) is not the file that {} pins: its SHA-256 is {}, and {pinned} is expected: put the pinned file back, or pin this one with `hbd plugins lock`",
        lock.display(),
        sha256(&place.file),
    );
    assert_eq!(refusal, expected);
    // It is used all the same where that is only to be told.
    let loaded = place.load("lock: warn");
    assert!(loaded.config.channel("a").unwrap().disabled().is_none());
    assert!(loaded.warnings.to_string().contains("is not the file that"));
    place.lock();
    assert_eq!(place.refusal("lock: require"), "");
}

#[test]
fn a_file_that_is_swapped_between_the_look_and_the_loading_is_judged_again() {
    let place = Place::new();
    place.lock();
    let yaml = Place::yaml("lock: require");
    let catalog = place.rig.configured(&yaml).unwrap().find_plugins();
    assert_eq!(catalog.files().len(), 1);
    place.swap();
    let error = catalog.describe("steady").unwrap_err();
    assert!(error.contains("is not the file that"), "{error}");
}

#[test]
fn a_file_that_is_renamed_over_a_loaded_one_is_another() {
    let place = Place::new();
    let summary = || {
        let catalog = place.rig.configured(CHANNELS).unwrap().find_plugins();
        catalog.describe("steady").unwrap().summary
    };
    let before = summary();
    place.swap();
    assert_eq!(summary(), before.replace("reliably", "Reliably"));
    assert_eq!(summary(), before.replace("reliably", "Reliably"));
}

#[test]
fn a_plugin_that_is_pinned_for_another_target_only_is_not_pinned() {
    let place = Place::new();
    place.lock();
    let text = fs::read_to_string(place.lock_file()).unwrap();
    let other = text.replace("-linux-", "-plan9-");
    assert_ne!(other, text);
    fs::write(place.lock_file(), other).unwrap();
    let refusal = place.refusal("lock: require");
    assert!(refusal.contains("is not pinned in "), "{refusal}");
    assert!(refusal.ends_with(&format!("its SHA-256 is {}", sha256(&place.file))));
}

#[test]
fn a_lock_file_that_cannot_be_used_is_an_error_at_its_line() {
    let place = Place::new();
    let lock = place.lock_file();
    let lock_file = lock.display();
    let missing = format!(
        "the lock file {lock_file} does not exist: inspect the plugins, and write it with `hbd plugins lock`"
    );
    let malformed = |why: &str| {
        format!(
            "the lock file {lock_file} is malformed: {why}; move it away, and write it again with `hbd plugins lock`"
        )
    };
    let cases = [
        (None, missing),
        (
            Some("{\"format\": 7}"),
            malformed("its format is 7, and 1 is known"),
        ),
        (
            Some(
                "{\"format\": 1, \"plugins\": {\"a\": {\"version\": \"1\", \"sha256\": {\"x\": \"abc\"}}}}",
            ),
            malformed("plugins.a.sha256.x is not 64 hexadecimal digits"),
        ),
        (
            Some("{\"format\": 1,\n\"plugin\": {}}"),
            malformed(
                "unknown field `plugin`, expected one of `about`, `format`, `plugins` at line 2 column 8",
            ),
        ),
    ];
    for (content, sentence) in cases {
        if let Some(content) = content {
            fs::write(&lock, content).unwrap();
        }
        let yaml = Place::yaml("lock: require");
        let said = place.rig.problems(&yaml).unwrap();
        assert!(
            said.contains(&format!(
                "heartbeat.yaml:1:17: error: plugins.lock: {sentence}"
            )),
            "{said}"
        );
    }
}

#[test]
fn words_that_are_none() {
    let place = Place::new();
    for (section, said) in [
        (
            "trust: maybe",
            "heartbeat.yaml:1:18: error: plugins.trust: expected one of: strict, warn",
        ),
        (
            "lock: on",
            "heartbeat.yaml:1:17: error: plugins.lock: expected one of: off, warn, require",
        ),
        (
            "lock_file: plugins.lock",
            "heartbeat.yaml:1:22: error: plugins.lock_file: expected the absolute path of a file (help: write the absolute path, from /)",
        ),
    ] {
        let problems = place.rig.problems(&Place::yaml(section)).unwrap();
        assert!(problems.contains(said), "{problems}");
    }
}

fn sha256(path: &Path) -> String {
    let file = annunciator::inspect(path).unwrap().unwrap();
    file.sha256().unwrap().to_string()
}
