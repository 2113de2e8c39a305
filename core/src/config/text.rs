//! The table of settings as text: the example file, and what is in force.

use std::fmt::Write;

use super::table::{Config, Key, Section, TABLE};

/// The text of `config.ini.example`: every key with its meaning and default, commented out, so that the file as it is
/// changes nothing.
pub fn example() -> String {
    let mut out = String::from(
        "# LightMail's settings. Copy to /etc/lightmail/config.ini and take the # off what you change.\n\
         # Lines without a blank behind the # are settings with their defaults; the others explain.\n",
    );
    for section in TABLE {
        out.push('\n');
        comment(&mut out, section.about);
        let mark = if section.optional { "#" } else { "" };
        let _ = writeln!(out, "{mark}[{}]", section.name);
        for key in section.keys {
            comment(&mut out, key.about);
            let _ = writeln!(out, "#{}", setting(key, key.default));
        }
    }
    out
}

/// The settings in force, as a file that reads back the same but for its secrets, which are masked.
pub fn describe(config: &Config) -> String {
    let mut out = String::new();
    for section in TABLE {
        let gap = if out.is_empty() { "" } else { "\n" };
        let settings: Vec<String> = section
            .keys
            .iter()
            .filter_map(|key| shown(config, section, key))
            .collect();
        match settings.as_slice() {
            [] => {
                let _ = writeln!(out, "{gap}# [{}] is not set.", section.name);
                comment(&mut out, section.about);
            }
            settings => {
                let _ = writeln!(out, "{gap}[{}]\n{}", section.name, settings.join("\n"));
            }
        }
    }
    out
}

fn shown(config: &Config, section: &Section, key: &Key) -> Option<String> {
    let value = config.show(section.name, key.name)?;
    let masked = if key.secret && !value.is_empty() {
        "********".to_owned()
    } else {
        value
    };
    Some(setting(key, &masked))
}

/// `key = value`, in quotes where blanks at the ends would be lost.
fn setting(key: &Key, value: &str) -> String {
    let quoted = value.trim() != value || (value.len() > 1 && value.starts_with('"') && value.ends_with('"'));
    let quote = if quoted { "\"" } else { "" };
    format!("{} = {quote}{value}{quote}", key.name)
        .trim_end()
        .to_owned()
}

fn comment(out: &mut String, lines: &[&str]) {
    for line in lines {
        let _ = writeln!(out, "# {}", line.trim());
    }
}
