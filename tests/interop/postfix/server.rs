//! A Postfix of the test's own: settings, queue, mailboxes and log lie in one
//! temporary folder, and it stops when it is dropped.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

use annunciator_testkit::smtp::{Authority, Certificate};
use annunciator_tests::foreign::{free_port, program, wait_for};
use mail_parser::MessageParser;
use tempfile::TempDir;

const INSTALL: &str = "on Debian, `apt-get install postfix sasl2-bin libsasl2-modules`, and run \
                       the test as root";
/// The user `nobody`, who delivers into the mailboxes.
const NOBODY: u32 = 65_534;
/// The mailboxes of the domain; any other user is unknown to Postfix.
const MAILBOXES: [&str; 5] = ["ops", "oncall", "third", "fourth", "fifth"];
/// How often another port is tried when somebody else was quicker.
const TRIES: usize = 3;

const SERVICES: &str = "
pickup    unix  n - n 60   1 pickup
cleanup   unix  n - n -    0 cleanup
qmgr      unix  n - n 300  1 qmgr
tlsmgr    unix  - - n 1000 1 tlsmgr
rewrite   unix  - - n -    - trivial-rewrite
bounce    unix  - - n -    0 bounce
defer     unix  - - n -    0 bounce
trace     unix  - - n -    0 bounce
verify    unix  - - n -    1 verify
proxymap  unix  - - n -    - proxymap
anvil     unix  - - n -    1 anvil
error     unix  - - n -    - error
retry     unix  - - n -    - error
discard   unix  - - n -    - discard
virtual   unix  - n n -    - virtual
postlog   unix-dgram n - n - 1 postlogd
";

/// How a Postfix is set up.
#[derive(Debug, Default)]
pub struct Setup {
    main: String,
    access: String,
    certificate: Option<Certificate>,
    implicit: bool,
    login: Option<(String, String)>,
}

/// A mail as Postfix put it into a mailbox.
#[derive(Debug)]
pub struct Delivered(pub Vec<u8>);

/// A running Postfix.
pub struct Postfix {
    folder: TempDir,
    port: u16,
    authority: Option<Authority>,
}

impl Setup {
    /// One more line of `main.cf`.
    pub fn setting(mut self, line: &str) -> Self {
        self.main.push_str(line);
        self.main.push('\n');
        self
    }

    /// A reply for one recipient, as `check_recipient_access` takes it.
    pub fn access(mut self, recipient: &str, reply: &str) -> Self {
        self.access.push_str(&format!("{recipient} {reply}\n"));
        self
    }

    /// Offers STARTTLS with this certificate.
    pub fn starttls(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Speaks TLS from the first byte.
    pub fn implicit_tls(mut self) -> Self {
        self.implicit = true;
        self.starttls(Certificate::Good)
    }

    /// Takes mail only after a login, and trusts no network.
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.to_owned(), password.to_owned()));
        self.setting("smtpd_sasl_auth_enable = yes")
            .setting("smtpd_sasl_type = cyrus")
            .setting("smtpd_sasl_path = smtpd")
            .setting("smtpd_sasl_local_domain = example.test")
            .setting("smtpd_sasl_authenticated_header = yes")
            .setting("smtpd_tls_auth_only = yes")
            .setting("smtpd_client_restrictions = permit_sasl_authenticated, reject")
            .setting("smtpd_relay_restrictions = permit_sasl_authenticated, reject")
    }

    /// Starts it.
    pub fn start(self) -> io::Result<Postfix> {
        let postfix = program("postfix", INSTALL)?;
        let authority = match self.certificate {
            Some(shown) => Some(
                Authority::create(shown, false)
                    .map_err(|error| io::Error::other(error.to_string()))?,
            ),
            None => None,
        };
        let mut failure = io::Error::other("it was never tried");
        for _ in 0..TRIES {
            let port = free_port()?;
            let folder = tempfile::tempdir()?;
            self.write(folder.path(), port, authority.as_ref())?;
            let started = Command::new(&postfix)
                .arg("-c")
                .arg(folder.path().join("etc"))
                .arg("start")
                .output()?;
            let mut server = Postfix {
                folder,
                port,
                authority: None,
            };
            if started.status.success() {
                server.authority = authority;
                return Ok(server);
            }
            let errors = String::from_utf8_lossy(&started.stderr).into_owned();
            failure = io::Error::other(format!("postfix didn't start: {errors}\n{}", server.log()));
        }
        Err(failure)
    }

    fn write(&self, folder: &Path, port: u16, authority: Option<&Authority>) -> io::Result<()> {
        // The delivering user has to get through to the mailboxes.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        for name in ["etc", "queue", "log", "mail"] {
            fs::create_dir(folder.join(name))?;
        }
        chown(folder.join("mail"), Some(NOBODY), Some(NOBODY)).map_err(|error| {
            let text = format!("Postfix runs as root, and so must this test: {error}");
            io::Error::new(error.kind(), text)
        })?;
        let at = |name: &str| folder.join(name).display().to_string();
        let mut main = format!(
            "compatibility_level = 3.6\n\
             queue_directory = {}\n\
             data_directory = {}\n\
             maillog_file = {}\n\
             maillog_file_prefixes = {}\n\
             myhostname = mail.example.test\n\
             mydestination =\n\
             mynetworks = {}\n\
             inet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\n\
             alias_maps =\n\
             alias_database =\n\
             disable_dns_lookups = yes\n\
             smtpd_peername_lookup = no\n\
             smtpd_error_sleep_time = 0s\n\
             virtual_mailbox_domains = example.test\n\
             virtual_mailbox_base = {}\n\
             virtual_mailbox_maps = texthash:{}\n\
             virtual_uid_maps = static:{NOBODY}\n\
             virtual_gid_maps = static:{NOBODY}\n\
             smtpd_recipient_restrictions = check_recipient_access texthash:{}\n",
            at("queue"),
            at("data"),
            at("log/mail.log"),
            folder.display(),
            if self.login.is_some() {
                ""
            } else {
                "127.0.0.0/8"
            },
            at("mail"),
            at("etc/mailboxes"),
            at("etc/access"),
        );
        if let Some(authority) = authority {
            let file = |name: &str| authority.file(name).display().to_string();
            main.push_str(&format!(
                "smtpd_tls_security_level = may\n\
                 smtpd_tls_chain_files = {}, {}\n\
                 smtpd_tls_CAfile = {}\n\
                 smtpd_tls_received_header = yes\n\
                 smtpd_tls_loglevel = 1\n",
                file("server.key"),
                file("server.pem"),
                file("ca.pem"),
            ));
        }
        if let Some((user, password)) = &self.login {
            // Debian's Postfix always looks there, any other where it is told.
            fs::create_dir(folder.join("etc/sasl"))?;
            main.push_str(&format!("cyrus_sasl_config_path = {}\n", at("etc/sasl")));
            accounts(&folder.join("etc/sasl"), user, password)?;
        }
        main.push_str(&self.main);
        let wrapped = if self.implicit {
            " -o smtpd_tls_wrappermode=yes"
        } else {
            ""
        };
        let services = format!("127.0.0.1:{port} inet n - n - - smtpd{wrapped}{SERVICES}");
        let mailboxes: String = MAILBOXES
            .map(|name| format!("{name}@example.test {name}/\n"))
            .concat();
        for (name, text) in [
            ("main.cf", &main),
            ("master.cf", &services),
            ("mailboxes", &mailboxes),
            ("access", &self.access),
        ] {
            fs::write(folder.join("etc").join(name), text)?;
        }
        Ok(())
    }
}

/// The file of logins that Cyrus SASL reads.
fn accounts(folder: &Path, user: &str, password: &str) -> io::Result<()> {
    let database = folder.join("sasldb2");
    fs::write(
        folder.join("smtpd.conf"),
        format!(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\nmech_list: PLAIN LOGIN\n",
            database.display()
        ),
    )?;
    let given = folder.join("password");
    fs::write(&given, password)?;
    let made = Command::new(program("saslpasswd2", INSTALL)?)
        .args(["-p", "-c", "-u", "example.test", "-f"])
        .arg(&database)
        .arg(user)
        .stdin(fs::File::open(&given)?)
        .output()?;
    if !made.status.success() {
        return Err(io::Error::other(
            String::from_utf8_lossy(&made.stderr).into_owned(),
        ));
    }
    fs::remove_file(given)?;
    // Postfix reads it as its own user.
    fs::set_permissions(database, fs::Permissions::from_mode(0o644))
}

impl Postfix {
    /// One that takes every mail for its mailboxes.
    pub fn start() -> io::Result<Self> {
        Setup::default().start()
    }

    /// A file of the authority that signed its certificate, such as `ca.pem`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.authority
            .as_ref()
            .map(|authority| authority.file(name))
            .unwrap_or_default()
    }

    /// A channel that sends to it, with these recipients and more settings,
    /// each a line of YAML.
    pub fn channel(&self, recipients: &str, more: &[&str]) -> String {
        let more: String = more.iter().map(|line| format!("    {line}\n")).collect();
        format!(
            "notification_channels:\n  mail:\n    type: email\n    recipients: [{recipients}]\n    \
             sender: Heartbeat <heartbeat@example.test>\n    smtp_server: 127.0.0.1\n    \
             smtp_port: {}\n{more}default_notification_channels: [mail]\n",
            self.port
        )
    }

    /// The log so far. It is written by a process of its own: what Postfix
    /// has said over the line may not be in it yet.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log/mail.log")).unwrap_or_default()
    }

    /// Waits until the log holds this text.
    pub fn wait_for_log(&self, text: &str) -> io::Result<String> {
        self.wait_for_log_times(text, 1)
    }

    /// Waits until the log holds this text this many times.
    pub fn wait_for_log_times(&self, text: &str, times: usize) -> io::Result<String> {
        wait_for(text, || {
            Some(self.log()).filter(|log| log.matches(text).count() >= times)
        })
        .map_err(|error| io::Error::other(format!("{error}:\n{}", self.log())))
    }

    /// The mails in a mailbox, as soon as there are this many.
    pub fn wait_for(&self, mailbox: &str, number: usize) -> io::Result<Vec<Delivered>> {
        let what = format!("mail number {number} for {mailbox}");
        wait_for(&what, || {
            Some(self.mailbox(mailbox)).filter(|mails| mails.len() >= number)
        })
        .map_err(|error| io::Error::other(format!("{error}:\n{}", self.log())))
    }

    /// The mails in a mailbox.
    pub fn mailbox(&self, mailbox: &str) -> Vec<Delivered> {
        let folder = self.folder.path().join("mail").join(mailbox).join("new");
        fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| fs::read(entry.ok()?.path()).ok())
            .map(Delivered)
            .collect()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let Ok(postfix) = program("postfix", INSTALL) else {
            return;
        };
        let _ = Command::new(postfix)
            .arg("-c")
            .arg(self.folder.path().join("etc"))
            .arg("stop")
            .output();
    }
}

impl Delivered {
    /// A header's decoded text; empty without it.
    pub fn header(&self, name: &str) -> String {
        let mail = MessageParser::default().parse(&self.0);
        mail.and_then(|mail| Some(mail.header_raw(name)?.trim().to_owned()))
            .unwrap_or_default()
    }

    /// The decoded subject.
    pub fn subject(&self) -> String {
        let mail = MessageParser::default().parse(&self.0);
        mail.and_then(|mail| mail.subject().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The decoded text part.
    pub fn text(&self) -> String {
        let mail = MessageParser::default().parse(&self.0);
        mail.and_then(|mail| Some(mail.body_text(0)?.into_owned()))
            .unwrap_or_default()
    }
}
