//! The argument of `MAIL` and `RCPT`: a path in angle brackets, then parameters (RFC 5321,
//! section 4.1.2).

/// The maximum size of a path in bytes, with brackets (RFC 5321, 4.5.3.1.3).
const PATH_MAX: usize = 256;
/// The maximum size of a local part in bytes (RFC 5321, 4.5.3.1.1).
const LOCAL_MAX: usize = 64;

/// A path and its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) address: String,
    pub(super) parameters: Vec<(String, String)>,
}

impl Path {
    /// Parses the text after `FROM:` or `TO:`; the error is the text of a reply.
    pub(super) fn parse(argument: &str, may_be_empty: bool) -> Result<Self, &'static str> {
        let rest = argument
            .strip_prefix('<')
            .ok_or("5.5.4 the path has no angle bracket")?;
        let (address, rest) = rest
            .split_once('>')
            .ok_or("5.5.4 the path has no closing angle bracket")?;
        check(address, may_be_empty)?;
        let mut parameters = Vec::new();
        for word in rest.split(' ').skip(1) {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            if key.is_empty() {
                return Err("5.5.4 an empty parameter");
            }
            parameters.push((key.to_ascii_uppercase(), value.to_owned()));
        }
        if !rest.is_empty() && !rest.starts_with(' ') {
            return Err("5.5.4 text right behind the path");
        }
        Ok(Self {
            address: address.to_owned(),
            parameters,
        })
    }

    /// Returns the value of a parameter.
    pub(super) fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }
}

fn check(address: &str, may_be_empty: bool) -> Result<(), &'static str> {
    if address.is_empty() {
        return if may_be_empty {
            Ok(())
        } else {
            Err("5.1.3 an empty recipient")
        };
    }
    if address.len() + 2 > PATH_MAX {
        return Err("5.1.3 the path is longer than 256 octets");
    }
    let (local, domain) = address
        .rsplit_once('@')
        .ok_or("5.1.3 the address has no domain")?;
    if local.is_empty() || domain.is_empty() {
        return Err("5.1.3 half an address");
    }
    if local.len() > LOCAL_MAX {
        return Err("5.1.3 the local part is longer than 64 octets");
    }
    let quoted = local.starts_with('"') && local.ends_with('"') && local.len() > 1;
    if !quoted && address.contains([' ', '"', ',', ';', '(', ')', '<', '\\']) {
        return Err("5.1.3 a forbidden character in the address");
    }
    Ok(())
}
