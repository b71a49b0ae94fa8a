//! Determines whether a group is the private group of one user.
//!
//! Many systems give each user a group of the same name, and create files that belong to it and
//! that it may write to (umask 002). No other user gains anything by that. The user database tells
//! whose a group is. If it does not tell for certain, the group counts as shared with others.
//!
//! The two entries of the user and of the group are read by the system's functions (`getpwuid_r`,
//! `getgrgid_r`), so that members from elsewhere, such as a directory service, are included.
//! `/etc/passwd` is read to check that the group is not another user's primary group: enumerating all
//! users by the system (`getpwent`) is not safe with concurrent threads, and directory services
//! mostly do not let their users be listed, so that it would find no more. Therefore only accounts
//! of this machine have a private group; those of a directory service do not.

use std::{
    fs::File,
    io::{self, Read as _},
};

use nix::unistd::{Gid, Group, Uid, User};

/// The file of this machine's accounts.
const ACCOUNTS: &str = "/etc/passwd";

/// The file of this machine's groups.
const GROUPS: &str = "/etc/group";

/// The maximum size of the file of accounts, in bytes; a longer one is not read. Ten thousand
/// accounts take a tenth of it.
const MAX_ACCOUNTS_BYTES: u64 = 8 << 20;

/// Returns whether the group is the primary group of this user and has no other members. Returns
/// `false` if the user database cannot be read or does not know both.
pub(super) fn is_private(group: u32, owner: u32) -> bool {
    Facts::ask(group, owner).is_some_and(|facts| facts.is_private(group, owner))
}

/// The entries of the user database about a group and a user.
struct Facts {
    /// The user's primary group.
    primary: u32,
    /// The listed members of the group.
    members: Vec<String>,
    /// The content of `/etc/passwd`, with the accounts of this machine.
    accounts: String,
}

impl Facts {
    fn ask(group: u32, owner: u32) -> Option<Self> {
        let user = User::from_uid(Uid::from_raw(owner)).ok()??;
        if !is_only_entry(&read(GROUPS).ok()?, group) {
            return None;
        }
        let group = Group::from_gid(Gid::from_raw(group)).ok()??;
        Some(Self {
            primary: user.gid.as_raw(),
            members: group.mem,
            accounts: read(ACCOUNTS).ok()?,
        })
    }

    fn is_private(&self, group: u32, owner: u32) -> bool {
        let lines = self.accounts.lines().map(str::trim_start);
        // The system ignores these lines, too.
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let Some(accounts) = lines.map(Account::read).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let is_owner = |name: &str| {
            accounts
                .iter()
                .any(|account| account.name == name && account.user == owner)
        };
        let mut at_home = accounts.iter().filter(|account| account.group == group);
        self.primary == group
            && accounts
                .iter()
                .any(|account| account.user == owner && account.group == group)
            && at_home.all(|account| account.user == owner)
            && self.members.iter().all(|name| is_owner(name))
    }
}

/// Returns whether exactly one line of `/etc/group` is about the group. The system returns only the
/// first one, but the members in other lines with its number have the group, too.
fn is_only_entry(groups: &str, group: u32) -> bool {
    let number = group.to_string();
    let mut entries = 0;
    for line in groups.lines().map(str::trim_start) {
        if line.starts_with(['+', '-']) {
            return false;
        }
        entries += u32::from(line.split(':').nth(2) == Some(&*number));
    }
    entries == 1
}

fn read(file: &str) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(file)?
        .take(MAX_ACCOUNTS_BYTES + 1)
        .read_to_string(&mut text)?;
    if read as u64 > MAX_ACCOUNTS_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// A line of `/etc/passwd`.
struct Account<'a> {
    name: &'a str,
    user: u32,
    group: u32,
}

impl<'a> Account<'a> {
    /// Parses a line. Returns `None` for any other line: it could represent users that are not
    /// visible here, as `+` does, which includes those of a network service.
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.starts_with(['+', '-']))?;
        let _password = fields.next()?;
        Some(Self {
            name,
            user: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "root:x:0:0:root:/root:/bin/sh
alice:x:1000:1000:Alice,,,:/home/alice:/bin/sh
bob:x:1001:1001::/home/bob:/bin/sh
carol:x:1002:1001::/home/carol:/bin/sh
";

    #[test]
    fn a_group_that_has_two_entries_is_not_known_for_certain() {
        let one = "root:x:0:\nalice:x:1000:\n";
        assert!(is_only_entry(one, 1000));
        assert!(!is_only_entry(one, 1001));
        assert!(!is_only_entry(&format!("{one}ops:x:1000:bob\n"), 1000));
        assert!(!is_only_entry(&format!("{one}+:::\n"), 1000));
    }

    #[test]
    fn a_group_is_private_only_where_the_database_says_so_for_certain() {
        let with = |line: &str| format!("{MACHINE}{line}\n");
        let machine = || MACHINE.to_owned();
        // The description; the group and its owner; the primary group, the members, the accounts.
        type Case<'a> = (&'a str, (u32, u32), u32, &'a [&'a str], String, bool);
        let cases: [Case<'_>; 17] = [
            ("alone", (1000, 1000), 1000, &[], machine(), true),
            (
                "listed alone",
                (1000, 1000),
                1000,
                &["alice"],
                machine(),
                true,
            ),
            ("root's", (0, 0), 0, &[], machine(), true),
            (
                "another member",
                (1000, 1000),
                1000,
                &["bob"],
                machine(),
                false,
            ),
            (
                "one more member",
                (1000, 1000),
                1000,
                &["alice", "bob"],
                machine(),
                false,
            ),
            (
                "a member nobody knows",
                (1000, 1000),
                1000,
                &["dave"],
                machine(),
                false,
            ),
            (
                "another's primary group",
                (1001, 1001),
                1001,
                &[],
                machine(),
                false,
            ),
            (
                "not the primary group",
                (1003, 1000),
                1000,
                &[],
                machine(),
                false,
            ),
            (
                "not the primary one, and alone in it",
                (1003, 1000),
                1000,
                &["alice"],
                machine(),
                false,
            ),
            (
                "two databases that disagree",
                (1003, 1000),
                1003,
                &[],
                machine(),
                false,
            ),
            (
                "an account from elsewhere",
                (5000, 5000),
                5000,
                &[],
                machine(),
                false,
            ),
            (
                "an empty file",
                (1000, 1000),
                1000,
                &[],
                String::new(),
                false,
            ),
            (
                "users of a network",
                (1000, 1000),
                1000,
                &[],
                with("+::::::"),
                false,
            ),
            (
                "a remark and an empty line",
                (1000, 1000),
                1000,
                &[],
                with("# eve:x:1004:1000::\n"),
                true,
            ),
            (
                "a line that is none",
                (1000, 1000),
                1000,
                &[],
                with("what?"),
                false,
            ),
            (
                "a number that is none",
                (1000, 1000),
                1000,
                &[],
                with("eve:x:1004:+1000x::"),
                false,
            ),
            (
                "the same user by two names",
                (1000, 1000),
                1000,
                &["alias"],
                with("alias:x:1000:1000::"),
                true,
            ),
        ];
        for (about, (group, owner), primary, members, accounts, expected) in cases {
            let members = members.iter().map(|&name| name.to_owned()).collect();
            let facts = Facts {
                primary,
                members,
                accounts,
            };
            assert_eq!(facts.is_private(group, owner), expected, "{about}");
        }
    }

    #[test]
    fn whom_the_system_does_not_know_has_no_private_group() {
        assert!(!is_private(3_999_999_999, 3_999_999_999));
    }
}
