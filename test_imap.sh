#!/usr/bin/env bash
# Tests the IMAP of a live server, feature by feature, and prints a table.
#
#   bash test_imap.sh --server 127.0.0.1 --port 1143 --no-ssl -v
#
# Any IMAP server will do: what it does not offer is skipped, what it offers must work. It needs bash, the core utilities and openssl.
# It works in a mailbox of its own and removes it at the end, also when it is interrupted. No secret ever stands on a command line
# that others can see: all of them go by descriptors, and the one of --password leaves this script's own command line at once.
set -u
# Octets are counted, not characters.
export LC_ALL=C
shopt -s nocasematch

usage() {
  cat <<'END'
Tests the IMAP of a live server, feature by feature, and prints a table.

usage: bash test_imap.sh [OPTIONS]

  --server HOST      the server (127.0.0.1)
  --port PORT        its port (993 with --ssl, 143 otherwise)
  --user NAME        the account (user@example.com)
  --password WORD    its password; better in the environment as IMAP_PASSWORD; without both it is asked for
  --ssl              TLS from the first octet; the default
  --starttls         TLS by STARTTLS
  --no-ssl           no TLS; STARTTLS is still tried, on a connection of its own, if it is offered
  --cacert FILE      trust the certificates that those in FILE have signed, not the system's
  --insecure         trust any certificate
  --timeout SECONDS  how long to wait for each answer (20)
  -v                 show the dialogue on standard error, passwords masked
  --help             this text

Exit status: 0 all that is offered works, 1 something does not, 2 nothing could be tested (options, connection, log-in), or interrupted.
END
}

give_up() { printf 'test_imap.sh: %s\n' "$1" >&2; exit 2; }

# ------------------------------------------------------------------------------------------------------------------ options

server=127.0.0.1 port='' user=user@example.com security=ssl cacert='' insecure=false patience=20 verbose=false
password=${IMAP_PASSWORD-}
export -n IMAP_PASSWORD

read_options() {
  local -a others=()
  while [ $# -gt 0 ]; do
    case $1 in
      --server | --port | --user | --password | --cacert | --timeout)
        [ $# -ge 2 ] || give_up "$1 needs a value; see --help"
        # Run anew without it: a command line is for all to see.
        [ "$1" != --password ] || IMAP_PASSWORD=$2 exec "$BASH" "$0" ${others+"${others[@]}"} "${@:3}"
        others+=("$1" "$2") ;;&
      --server) server=$2; shift ;;
      --port) port=$2; shift ;;
      --user) user=$2; shift ;;
      --cacert) cacert=$2; shift ;;
      --timeout) patience=$2; shift ;;
      --ssl | --starttls | --no-ssl) security=${1#--}; others+=("$1") ;;
      --insecure) insecure=true; others+=("$1") ;;
      -v | --verbose) verbose=true; others+=("$1") ;;
      --help | -h) usage; exit 0 ;;
      *) give_up "unknown option $1; see --help" ;;
    esac
    shift
  done
  if [ -z "$port" ]; then
    case $security in ssl) port=993 ;; *) port=143 ;; esac
  fi
  [[ $port =~ ^[0-9]+$ ]] || give_up "--port $port: expected a number"
  [[ $patience =~ ^[1-9][0-9]*$ ]] || give_up "--timeout $patience: expected seconds, 1 or more"
  [ -z "$cacert" ] || [ -r "$cacert" ] || give_up "--cacert $cacert: there is no such file to read"
  type -P openssl >/dev/null || give_up 'openssl is not installed'
  if [ -z "$password" ]; then
    { : </dev/tty; } 2>/dev/null || give_up 'no password: set IMAP_PASSWORD, or run this on a terminal'
    IFS= read -rs -p "Password of $user: " password </dev/tty
    echo >&2
  fi
}

# -------------------------------------------------------------------------------------------------------------- connections

# By number: where to write, where to read, and the process of openssl. `at` is the one that is spoken on.
declare -A to=() from=() carrier=()
at=1 lost=0 lost_most=3 serial=0 fault='' offered='' stopping=false

shown() { ! $verbose || printf '%s %s\n' "$at" "${1//$'\r'/}" >&2; }
wrong() { fault=$1; return 1; }

# `HOST:PORT` as openssl wants it.
place() { case $server in *:*) printf '[%s]:%s' "$server" "$port" ;; *) printf '%s:%s' "$server" "$port" ;; esac; }

# openssl between its standard input and the server. More options may follow.
through_tls() {
  local -a trust=(-verify_return_error)
  if [[ $server =~ ^[0-9.]+$|: ]]; then trust+=(-verify_ip "$server"); else trust+=(-verify_hostname "$server" -servername "$server"); fi
  [ -z "$cacert" ] || trust+=(-CAfile "$cacert")
  ! $insecure || trust=()
  exec openssl s_client -quiet -connect "$(place)" ${trust+"${trust[@]}"} "$@"
}

# Whether a TCP connection comes about in time: tried beside us, for nothing ends a connect of bash.
reachable() {
  local probe end=$((SECONDS + patience))
  (exec 9<>"/dev/tcp/$server/$port") 2>"$folder/complaint" &
  probe=$!
  while kill -0 "$probe" 2>/dev/null; do
    if ((SECONDS > end)); then
      kill "$probe"
      return 1
    fi
    sleep 0.02
  done
  wait "$probe"
}

# Opens connection $1. With STARTTLS it is openssl that hears the greeting.
connect() {
  local write read security=${2-$security}
  leave "$1"
  at=$1 asked='' until=$((SECONDS + patience))
  if [ "$security" = no-ssl ]; then
    { exec {write}<>"/dev/tcp/$server/$port"; } 2>"$folder/complaint" || return
    read=$write
  else
    local -a start=()
    [ "$security" = ssl ] || start=(-starttls imap)
    mkfifo "$folder/in" "$folder/out"
    through_tls ${start+"${start[@]}"} <"$folder/in" >"$folder/out" 2>"$folder/complaint" &
    carrier[$1]=$!
    exec {write}>"$folder/in" {read}<"$folder/out"
    rm "$folder/in" "$folder/out"
  fi
  to[$1]=$write from[$1]=$read
  if [ "$security" = starttls ]; then ok NOOP; else hear && greeting=$said; fi
}

# A first look without TLS: there is a server, it greets, and offers STARTTLS if that is wanted.
greeted_in_the_clear() {
  reachable && connect 1 no-ssl && { [ "$security" = no-ssl ] || { learn && { offers STARTTLS || wrong 'it offers no STARTTLS'; }; }; }
}

# Closes connection $1.
leave() {
  local write=${to[$1]-} read=${from[$1]-}
  [ -n "$write" ] || return 0
  exec {write}>&-
  [ "$read" = "$write" ] || exec {read}<&-
  [ -z "${carrier[$1]-}" ] || { kill "${carrier[$1]}" && wait "${carrier[$1]}"; } 2>/dev/null
  unset "to[$1]" "from[$1]" "carrier[$1]"
  [ "$1" != 1 ] || selected=false
}

# The connection is of no more use: $1 says why.
cut() {
  leave "$at"
  lost=$((lost + 1))
  wrong "$1 after ${asked:-the connection was made}"
}

# Sends a line; $2 is shown in its place if it has a secret.
say() {
  ! $stopping || wrong interrupted || return
  [ -n "${to[$at]-}" ] || wrong 'there is no connection' || return
  local write=${to[$at]}
  shown "C: ${2-$1}"
  { printf '%s\r\n' "$1" 1>&"$write"; } 2>/dev/null || cut 'the server closed'
}

# Reads in the time that is left until `until`; the rest is for `read`.
take() {
  local left=$((until - SECONDS)) status
  ! $stopping || wrong interrupted || return
  ((left > 0)) || left=1
  IFS= read -r -t "$left" -u "${from[$at]}" "$@"
  status=$?
  ((status == 0)) && return
  if ((status > 128)); then cut "no answer within $patience s"; else cut 'the server closed'; fi
}

# Hears one response: `said` is a line with its literals in it, each after a line end and followed by more of the line.
hear() {
  local line literal
  [ -n "${from[$at]-}" ] || wrong 'there is no connection' || return
  said=
  while take line; do
    line=${line%$'\r'}
    shown "S: $line"
    said+=$line
    [[ $line =~ \{([0-9]+)\}$ ]] || return 0
    literal=
    ((BASH_REMATCH[1] == 0)) || take -N "${BASH_REMATCH[1]}" literal || return
    shown "S: $literal"
    said+=$'\n'$literal
  done
  return 1
}

# ----------------------------------------------------------------------------------------------------- commands and answers

# A command begins that is told of as $1. All of its answer comes in time, or it counts as none.
number() { serial=$((serial + 1)) asked=$1 untagged=() until=$((SECONDS + patience)) && tag=t$serial; }

# Begins a command; $2 is shown in its place if it has a secret.
begin() { number "${2-$1}" && say "$tag $1" "$tag $asked"; }

# Hears until the command's answer: `untagged` has what came before it, `answer` is what follows the tag, `status` its first word.
finish() {
  while hear; do
    case $said in
      "$tag "*)
        answer=${said#"$tag "} status=${answer%% *}
        return ;;
      *) untagged+=("$said") ;;
    esac
  done
  return 1
}

# Hears until the server wants more of the command. Its answer is a refusal.
go_on() {
  while hear; do
    case $said in
      '+'*) return ;;
      "$tag "*) wrong "$asked: expected '+', heard '${said#"$tag "}'"; return ;;
      *) untagged+=("$said") ;;
    esac
  done
  return 1
}

ask() { begin "$@" && finish; }
ok() { ask "$@" && accepted; }
accepted() { [ "$status" = OK ] || wrong "$asked: expected OK, heard '$answer'"; }
# The command is refused, and the session goes on.
refused() { ask "$@" && { [[ $status =~ ^(NO|BAD)$ ]] || wrong "$asked: expected a refusal, heard '$answer'"; }; }

# A command of words and literals in turn. `plus` is what follows the size of each (+), `kind` stands before it (~).
with_literals() {
  local words=$1 plus=${plus-} kind=${kind-}
  number "${words% }"
  words="$tag $words"
  while [ $# -ge 2 ]; do
    say "$words$kind{${#2}$plus}" || return
    [ -n "$plus" ] || go_on || return
    words=$2${3-}
    shift 2
  done
  say "$words" '(the literal)' && finish
}

# Some untagged response looks so; the parts of it in parentheses are in BASH_REMATCH.
tells() {
  local response
  for response in ${untagged+"${untagged[@]}"}; do [[ $response =~ $1 ]] && return; done
  wrong "$asked: expected $1, heard $(heard)"
}
tells_no() {
  local response
  for response in ${untagged+"${untagged[@]}"}; do ! [[ $response =~ $1 ]] || wrong "$asked: unexpected '${response:0:80}'" || return; done
}
# So many of them do.
tells_times() {
  local response times=0
  for response in ${untagged+"${untagged[@]}"}; do ! [[ $response =~ $2 ]] || times=$((times + 1)); done
  ((times == $1)) || wrong "$asked: expected $1 times $2, heard $(heard)"
}
# Some response has exactly this in it.
tells_text() {
  local response
  for response in ${untagged+"${untagged[@]}"}; do [[ $response == *"$1"* ]] && return; done
  wrong "$asked: the text is another one: $(heard)"
}
answers() { [[ $answer =~ $1 ]] || wrong "$asked: expected $1, heard '$answer'"; }
heard() {
  local all="${untagged[*]-}"
  all=${all//[$'\r\n']/ }
  if [ -n "$all" ]; then printf "'%s'" "${all:0:160}"; else printf nothing; fi
}

offers() {
  local name
  # shellcheck disable=SC2053 # a pattern is meant
  for name in $offered; do [[ $name == $1 ]] && return; done
  return 1
}

# Adds what is offered now.
learn() { ok CAPABILITY && tells '^\* CAPABILITY (.*)' && offered+=" ${BASH_REMATCH[1]}"; }

# A word as a quoted string.
quoted() { local word=${1//\\/\\\\}; printf '"%s"' "${word//\"/\\\"}"; }
base64() { openssl base64 -A; }

log_in() { ok "LOGIN $(quoted "$user") $(quoted "$password")" "LOGIN $user ***"; }

# Goes to connection $1, logged in.
on() {
  at=$1
  [ -n "${to[$1]-}" ] || { connect "$1" && log_in; }
}

# A connection of its own that has not logged in.
stranger() { connect 3; }

# ------------------------------------------------------------------------------------------------------- mailboxes and mails

made=false selected=false

# Mail number $1, in `mail`.
write_mail() {
  printf -v mail '%s\r\n' 'From: Anna <anna@example.org>' 'To: Bert <bert@example.net>' "Subject: Feature test $1" \
    'Date: Wed, 14 Jan 2026 10:20:30 +0000' "Message-ID: <test$1@example.org>" 'MIME-Version: 1.0' \
    'Content-Type: multipart/mixed; boundary="cut"' '' '--cut' 'Content-Type: text/plain; charset=us-ascii' '' \
    "Body number $1" '--cut' 'Content-Type: application/octet-stream; name="hello.bin"' \
    'Content-Transfer-Encoding: base64' '' 'SGVsbG8sIGJpbmFyeQ==' '--cut--'
}

# Appends mail number $2 to mailbox $1; $3 are its flags and date, with a space at the end.
append() { write_mail "$2" && with_literals "APPEND $1 ${3-}" "$mail" && accepted; }

open() { ok "SELECT $box${1-}" && selected=true; }
shut() { ! $selected || { selected=false && ok CLOSE; }; }

# The mailbox anew, with $1 mails.
fill() {
  local n
  shut || return
  ! $made || { ask "DELETE $box" && made=false; } || return
  ok "CREATE $box" && made=true || return
  for ((n = 1; n <= $1; n++)); do append "$box" "$n" || return; done
}
fresh() { fill "$1" && open ''; }

# Where personal mailboxes go, and what parts their names.
find_place() {
  prefix='' delimiter=/
  if offers NAMESPACE; then
    ok NAMESPACE && tells '^\* NAMESPACE \(\("([^"]*)" (NIL|"[^"]+")' || return
    prefix=${BASH_REMATCH[1]} delimiter=${BASH_REMATCH[2]//\"/}
  else
    ok 'LIST "" ""' && tells '^\* LIST \(.*\) (NIL|"[^"]+")' || return
    delimiter=${BASH_REMATCH[1]//\"/}
  fi
  box=${prefix}imap-test-$$-$RANDOM
}

# Removes all that was made: inner mailboxes before outer ones.
tidy_up() {
  local name found=() response
  [ -n "${box-}" ] || return 0
  leave 1
  on 1 || { printf 'test_imap.sh: mailbox %s may be left: %s\n' "$box" "$fault" >&2; return; }
  ask "LSUB \"\" $box*" && for response in ${untagged+"${untagged[@]}"}; do
    [[ $response =~ (${box}[^\"\ ]*)\"?$ ]] && found+=("${BASH_REMATCH[1]}")
  done
  for name in ${found+"${found[@]}"}; do ask "UNSUBSCRIBE \"$name\""; done
  found=()
  ask "LIST \"\" $box*" && for response in ${untagged+"${untagged[@]}"}; do
    [[ $response =~ (${box}[^\"\ ]*)\"?$ ]] && found=("${BASH_REMATCH[1]}" ${found+"${found[@]}"})
  done
  for name in ${found+"${found[@]}"}; do ask "DELETE \"$name\""; done
  ask LOGOUT
  leave 1
}

# ------------------------------------------------------------------------------------------------------------- the features
# Each is a chain that ends at what is wrong.

# The greeting was heard when the connection was made.
greeting() { [[ $greeting =~ ^'* OK' ]] || wrong "expected a greeting with OK, heard '$greeting'"; }
capability() { ok CAPABILITY && tells '^\* CAPABILITY .*IMAP4rev[12]'; }
unknown_command() { refused 'XNOSUCHCOMMAND' && answers '^BAD' && ok NOOP; }
noop() { ok NOOP; }
identity() { ok 'ID NIL' && tells '^\* ID (NIL|\()'; }
logout() {
  stranger && log_in && ok LOGOUT && tells '^\* BYE' || return
  local line until=$((SECONDS + patience))
  if IFS= read -r -t "$patience" -u "${from[3]}" line || [ $? -gt 128 ]; then wrong 'LOGOUT: the server does not close'; fi
}

# STARTTLS on a connection of its own; on this way openssl has done it already.
starttls() {
  [ "$security" != starttls ] || return 0
  local insecure=$insecure
  [ -n "$cacert" ] || insecure=true
  connect 3 starttls && ok CAPABILITY && tells_no 'STARTTLS|LOGINDISABLED' && log_in
}
login_disabled() { stranger && refused "LOGIN $(quoted "$user") wrong"; }
wrong_password() { stranger && refused "LOGIN $(quoted "$user") wrong-$RANDOM" && answers '^NO' && refused 'SELECT INBOX'; }
login_literals() { stranger && with_literals 'LOGIN ' "$user" ' ' "$password" && accepted; }

# AUTHENTICATE with mechanism $1 and the client's answers.
authenticate() {
  local step
  begin "AUTHENTICATE $1" && shift || return
  for step; do go_on && say "$step" '***' || return; done
  finish
}
plain() { printf '\0%s\0%s' "$user" "$password" | base64; }
auth_plain() { stranger && authenticate PLAIN "$(plain)" && accepted && ok 'STATUS INBOX (MESSAGES)'; }
auth_login() {
  stranger && authenticate LOGIN "$(printf %s "$user" | base64)" "$(printf %s "$password" | base64)" && accepted
}
sasl_ir() { stranger && ask "AUTHENTICATE PLAIN $(plain)" 'AUTHENTICATE PLAIN ***' && accepted; }
sasl_cancel() { stranger && authenticate PLAIN '*' && { [ "$status" = BAD ] || wrong "AUTHENTICATE, then *: expected BAD, heard '$answer'"; }; }
# The challenge of SCRAM (RFC 5802): our nonce with more, a salt, rounds. The proof needs a key that openssl would show to all.
scram() {
  local nonce=test$RANDOM$RANDOM$RANDOM binding=n name=${user//=/=3D} challenge
  [[ $1 != *-PLUS ]] || binding=p=tls-exporter
  stranger && begin "AUTHENTICATE $1" && go_on && say "$(printf '%s,,n=%s,r=%s' "$binding" "${name//,/=2C}" "$nonce" | base64)" && go_on || return
  challenge=$(printf '%s' "${said#+ }" | openssl base64 -d -A)
  [[ $challenge =~ ^r=${nonce}[^,]+,s=[A-Za-z0-9+/]+=*,i=[0-9]{4,}(,|$) ]] || wrong "AUTHENTICATE $1: a strange challenge '$challenge'" || return
  say '*' && finish && { [ "$status" = BAD ] || wrong "AUTHENTICATE $1, then *: expected BAD, heard '$answer'"; }
}
unauthenticate() { on 2 && ok UNAUTHENTICATE && refused 'STATUS INBOX (MESSAGES)' && log_in && ok 'STATUS INBOX (MESSAGES)'; }
# It is begun and no more: inflating is not bash's trade.
compress() { on 2 && refused 'COMPRESS NONE' && ok NOOP && ok 'COMPRESS DEFLATE'; }

namespace() { ok NAMESPACE && tells '^\* NAMESPACE (NIL|\(\()'; }
create_delete() { fill 0 && refused "CREATE $box" && ok "DELETE $box" && made=false && refused "DELETE $box" && refused "SELECT $box"; }
rename() {
  fill 1 && ok "RENAME $box $other" && made=false && refused "STATUS $box (MESSAGES)" && ok "STATUS $other (MESSAGES)" &&
    tells 'MESSAGES 1' && ok "DELETE $other"
}
list() { fill 0 && ok "LIST \"\" $box" && tells "^\\* LIST \\(.*\\) .*$box" && ok 'LIST "" INBOX' && tells ' "?INBOX"?$' && ok "LIST \"\" $box-%" && tells_times 0 '^\* LIST'; }
subscribe() {
  fill 0 && ok "SUBSCRIBE $box" && ok "LSUB \"\" $box" && tells "^\\* LSUB \\(.*\\) .*$box" && ok "UNSUBSCRIBE $box" &&
    ok "LSUB \"\" $box" && tells_times 0 '^\* LSUB'
}
status() { fill 3 && ok "STATUS $box (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)" && tells 'MESSAGES 3' && tells 'UNSEEN 3' && tells 'UIDNEXT [1-9]' && tells 'UIDVALIDITY [1-9]'; }
selecting() {
  fresh 3 && answers '^OK \[READ-WRITE\]' && tells '^\* 3 EXISTS' && tells '^\* [0-9]+ RECENT' && tells '^\* FLAGS \(.*\\Seen' &&
    tells 'OK \[UIDVALIDITY [1-9]' && tells 'OK \[UIDNEXT [1-9]' && tells 'OK \[PERMANENTFLAGS \(' && tells 'OK \[UNSEEN 1\]'
}
examine() {
  fill 1 && ok "EXAMINE $box" && answers '^OK \[READ-ONLY\]' && selected=true && ok 'FETCH 1 BODY[TEXT]' &&
    ask 'STORE 1 +FLAGS (\Seen)' && ok 'FETCH 1 FLAGS' && tells_no '\\Seen'
}
check() { fresh 1 && ok CHECK; }
closing() { fresh 2 && ok 'STORE 1 +FLAGS.SILENT (\Deleted)' && ok CLOSE && tells_times 0 EXPUNGE && selected=false && refused 'FETCH 1 FLAGS' && ok "STATUS $box (MESSAGES)" && tells 'MESSAGES 1'; }
unselect() { fresh 2 && ok 'STORE 1 +FLAGS.SILENT (\Deleted)' && ok UNSELECT && selected=false && refused 'FETCH 1 FLAGS' && ok "STATUS $box (MESSAGES)" && tells 'MESSAGES 2'; }
children() {
  [ "$delimiter" != NIL ] || return 0
  local inner="$box${delimiter}inner"
  fill 0 && ok "CREATE $inner" && ok "LIST \"\" $box" && tells '\\HasChildren' && ok "LIST \"\" $inner" && tells '\\HasNoChildren' && ok "DELETE $inner"
}
special_use() { ok 'LIST (SPECIAL-USE) "" "*"' && tells_times "$(printf '%s\n' ${untagged+"${untagged[@]}"} | grep -c '^\* LIST')" '^\* LIST \(.*\\(All|Archive|Drafts|Flagged|Important|Junk|Sent|Trash)' && ok 'LIST "" INBOX RETURN (SPECIAL-USE)' && tells '^\* LIST'; }
list_extended() {
  fill 0 && ok "LIST (SUBSCRIBED) \"\" $box" && tells_times 0 '^\* LIST' && ok "SUBSCRIBE $box" &&
    ok "LIST (SUBSCRIBED) \"\" ($box INBOX-$RANDOM)" && tells_times 1 '^\* LIST \(.*\\Subscribed' &&
    ok "LIST \"\" $box RETURN (SUBSCRIBED CHILDREN)" && tells '\\Subscribed' && tells '\\HasNoChildren' && ok "UNSUBSCRIBE $box"
}
list_status() { fill 2 && ok "LIST \"\" $box RETURN (STATUS (MESSAGES UNSEEN))" && tells '^\* LIST' && tells "^\\* STATUS .*$box.*MESSAGES 2"; }
status_size() { fill 2 && write_mail 1 && ok "STATUS $box (SIZE)" && tells "SIZE $((2 * ${#mail}))[ )]"; }

appending() {
  fill 0 && append "$box" 1 '(\Flagged \Seen) "03-Feb-2020 04:05:06 +0000" ' && open '' && ok 'FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])' &&
    tells '\\Flagged' && tells '\\Seen' && tells 'INTERNALDATE "[ 0]3-Feb-2020 04:05:06 \+0000"' && tells "RFC822.SIZE ${#mail}[ )]" &&
    tells_text "{${#mail}}"$'\n'"$mail" || return
  begin "APPEND $box-none {10}" && finish_refused '\[TRYCREATE\]'
}
# A literal that is not wanted is refused at its announcement, or, by a server that takes it first, behind it.
finish_refused() {
  if go_on; then say 0123456789 && finish || return; else answer=${said#"$tag "} status=${answer%% *}; fi
  [ "$status" = NO ] || wrong "$asked: expected NO, heard '$answer'" || return
  answers "$1" && fault=''
}
fetch() {
  fresh 3 && ok 'FETCH 2:3 (UID FLAGS INTERNALDATE RFC822.SIZE)' && tells_times 2 '^\* [23] FETCH \(.*UID [0-9]+' && tells_times 2 'RFC822.SIZE [0-9]+' &&
    tells_times 2 'FLAGS \(' && ok 'FETCH 1 FAST' && tells 'RFC822.SIZE' && ok 'FETCH 3:* FLAGS' && tells_times 1 '^\* 3 FETCH'
}
fetch_body() {
  fresh 1 && ok 'FETCH 1 BODY.PEEK[TEXT]<0.5>' && tells_text $'{5}\n--cut' && ok 'FETCH 1 FLAGS' && tells_no '\\Seen' &&
    ok 'FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[1] BODY.PEEK[2.MIME])' && tells_text 'Subject: Feature test 1' &&
    tells_text 'Body number 1' && tells_text 'application/octet-stream' && ok 'FETCH 1 RFC822.HEADER' && tells_text 'From: Anna' &&
    ok 'FETCH 1 BODY[2]' && tells_text 'SGVsbG8sIGJpbmFyeQ==' && ok 'FETCH 1 FLAGS' && tells '\\Seen'
}
envelope() {
  fresh 1 && ok 'FETCH 1 ENVELOPE' &&
    tells 'ENVELOPE \("Wed, 14 Jan 2026 10:20:30 \+0000" "Feature test 1" \(\("Anna" NIL "anna" "example.org"\)\)' &&
    tells '\(\("Bert" NIL "bert" "example.net"\)\) NIL NIL NIL "<test1@example.org>"\)'
}
bodystructure() {
  fresh 1 && ok 'FETCH 1 (BODY BODYSTRUCTURE)' && tells 'BODYSTRUCTURE \(\("text" "plain" \("charset" "us-ascii"\) NIL NIL "7bit" [0-9]+ [0-9]+' &&
    tells '\("application" "octet-stream" \("name" "hello.bin"\) NIL NIL "base64" [0-9]+' && tells '"mixed" \("boundary" "cut"\)'
}
store() {
  fresh 2 && ok 'STORE 1 FLAGS (\Seen)' && tells '^\* 1 FETCH .*FLAGS \(.*\\Seen' && ok 'STORE 1 +FLAGS (\Flagged)' && tells '\\Seen' && tells '\\Flagged' &&
    ok 'STORE 1 -FLAGS (\Seen)' && tells_no '\\Seen' && ok 'STORE 1:2 +FLAGS.SILENT (\Answered)' && tells_times 0 FETCH &&
    ok 'FETCH 1:2 FLAGS' && tells_times 2 '\\Answered' && refused 'STORE 1 +FLAGS (\Recent)'
}
copying() {
  fresh 2 && refused "COPY 1:2 $other" && answers '\[TRYCREATE\]' && ok "CREATE $other" && ok "COPY 1:2 $other" && ok "STATUS $other (MESSAGES)" &&
    tells 'MESSAGES 2' && ok "STATUS $box (MESSAGES)" && tells 'MESSAGES 2' && ok "DELETE $other"
}
moving() {
  fresh 3 && ok "CREATE $other" && ok "MOVE 1 $other" && tells '^\* 1 EXPUNGE' && ok 'UID SEARCH 1' && tells '^\* SEARCH ([0-9]+)' &&
    ok "UID MOVE ${BASH_REMATCH[1]} $other" && tells '^\* 1 EXPUNGE' && ok "STATUS $other (MESSAGES)" && tells 'MESSAGES 2' && ok 'FETCH 1:* UID' &&
    tells_times 1 '^\* 1 FETCH' && ok "DELETE $other"
}
expunge() {
  fresh 4 && ok 'STORE 2:3 +FLAGS (\Deleted)' && ok EXPUNGE && tells_times 2 '^\* [23] EXPUNGE' && ok 'FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]' &&
    tells_times 2 FETCH && tells_text 'test 1' && tells_text 'test 4' && refused 'FETCH 3 FLAGS'
}
# What a search finds; $2 are numbers.
finds() {
  ok "SEARCH $1" || return
  if [ -z "$2" ]; then tells_times 0 '^\* SEARCH .*[0-9]'; else tells "^\\* SEARCH $2 *\$"; fi
}
search() {
  fresh 3 && ok 'STORE 2 FLAGS (\Seen)' && ok 'STORE 3 FLAGS (\Flagged \Answered)' || return
  local criteria numbers
  while IFS='|' read -r criteria numbers <&8; do finds "$criteria" "$numbers" || return; done 8<<'END'
ALL|1 2 3
SEEN|2
UNSEEN|1 3
FLAGGED ANSWERED|3
NOT FLAGGED|1 2
OR SEEN FLAGGED|2 3
DELETED|
SUBJECT "test 2"|2
FROM anna TO bert|1 2 3
CC anna|
BODY "number 3"|3
TEXT "feature test 1"|1
HEADER Message-ID test2@|2
SENTON 14-Jan-2026|1 2 3
SENTBEFORE 14-Jan-2026|
SINCE 1-Jan-2026|1 2 3
LARGER 100000|
SMALLER 100000|1 2 3
2:*|2 3
(1 UNSEEN)|1
CHARSET UTF-8 SUBJECT "feature"|1 2 3
END
}
uid_commands() {
  local uid
  fresh 2 && ok 'UID SEARCH 1:2' && tells '^\* SEARCH ([0-9]+) ([0-9]+)' && uid=${BASH_REMATCH[2]} && ok "UID FETCH $uid FLAGS" &&
    tells "^\\* 2 FETCH .*UID $uid" && ok "UID STORE $uid +FLAGS (\\Seen)" && tells "UID $uid" && tells '\\Seen' && ok 'UID SEARCH SEEN' &&
    tells "^\\* SEARCH $uid" && ok "UID FETCH $((uid + 1000)) FLAGS" && tells_times 0 FETCH && refused "UID COPY $uid $other" && answers '\[TRYCREATE\]' &&
    ok "CREATE $other" && ok "UID COPY $uid $other" && ok "STATUS $other (MESSAGES)" && tells 'MESSAGES 1' && ok "DELETE $other"
}
uidplus() {
  local first
  fill 0 && append "$box" 1 && answers '^OK \[APPENDUID [0-9]+ ([0-9]+)\]' && first=${BASH_REMATCH[1]} && append "$box" 2 && open '' && ok "CREATE $other" &&
    ok "UID COPY $first $other" && answers "^OK \\[COPYUID [0-9]+ $first [0-9]+\\]" && ok "DELETE $other" && ok 'STORE 1:2 +FLAGS.SILENT (\Deleted)' &&
    ok "UID EXPUNGE $first" && tells_times 1 EXPUNGE && ok 'FETCH 1:* UID' && tells_times 1 FETCH
}
idle() {
  fresh 1 && begin IDLE && go_on && local idling=$tag && on 2 && append "$box" 2 && at=1 || return
  until [[ ${said-} =~ ^'* 2 EXISTS' ]]; do asked=IDLE && hear || return; done
  tag=$idling untagged=() && say DONE && finish && accepted
}
two_sessions() {
  fresh 3 && on 2 && ok "SELECT $box" && ok 'STORE 1 +FLAGS (\Deleted)' && ok 'STORE 3 +FLAGS (\Flagged)' && ok EXPUNGE && append "$box" 4 && at=1 &&
    ok NOOP && tells '^\* 1 EXPUNGE' && tells '^\* 3 EXISTS' && ok 'FETCH 2 FLAGS' && tells '\\Flagged'
}
literal_plus() { local plus=+; fill 0 && append "$box" 1 && ok "STATUS $box (MESSAGES)" && tells 'MESSAGES 1'; }
multiappend() {
  fill 0 && write_mail 1 && with_literals "APPEND $box (\\Seen) " "$mail" ' (\Flagged) ' "$mail" && accepted && open '' && tells '^\* 2 EXISTS' &&
    finds SEEN 1 && finds FLAGGED 2
}
append_limit() {
  local limit size
  offers 'APPENDLIMIT=*' || { ok "STATUS INBOX (APPENDLIMIT)" && tells APPENDLIMIT; return; }
  limit=${offered##*APPENDLIMIT=} size=$((${limit%% *} + 1))
  fill 0 && begin "APPEND $box {$size}" || return
  if go_on; then cut "the literal is beyond the limit and wanted"; else [[ $said == "$tag "NO* ]] && fault=''; fi
}
binary() {
  fresh 1 && ok 'FETCH 1 BINARY.SIZE[2]' && tells 'BINARY.SIZE\[2\] 13' && ok 'FETCH 1 BINARY.PEEK[2]' && tells_text 'Hello, binary' || return
  local kind='~'
  append "$box" 2 && kind='' && ok NOOP && ok 'FETCH 2 RFC822.SIZE' && tells "RFC822.SIZE ${#mail})"
}
save_date() { fresh 1 && ok 'FETCH 1 SAVEDATE' && tells 'SAVEDATE (NIL|"[ 0-9][0-9]-[A-Z]{3}-[0-9]{4} )' && ok 'SEARCH SAVEDATESUPPORTED' && tells '^\* SEARCH'; }
object_id() {
  local id
  fresh 1 && ok "STATUS $box (MAILBOXID)" && tells 'MAILBOXID \(([A-Za-z0-9_-]+)\)' && id=${BASH_REMATCH[1]} && open '' && tells "\\[MAILBOXID \\($id\\)\\]" &&
    ok 'FETCH 1 (EMAILID THREADID)' && tells 'EMAILID \([A-Za-z0-9_-]+\)' && tells 'THREADID (NIL|\()'
}
preview() { fresh 1 && ok 'FETCH 1 PREVIEW' && tells 'PREVIEW ("|NIL|\{)' && ok 'FETCH 1 (PREVIEW (LAZY))' && tells PREVIEW; }
within() { fill 0 && append "$box" 1 '"03-Feb-2020 04:05:06 +0000" ' && append "$box" 2 && open '' && finds 'OLDER 3600' 1 && finds 'YOUNGER 3600' 2; }
esearch() {
  fresh 3 && ok 'SEARCH RETURN (MIN MAX COUNT) ALL' && tells '^\* ESEARCH .*MIN 1' && tells 'MAX 3' && tells 'COUNT 3' && tells_times 0 '^\* SEARCH' &&
    ok 'UID SEARCH RETURN () 1:2' && tells '^\* ESEARCH \(TAG "?[a-z0-9]+"?\) UID ALL [0-9]+[:,][0-9]+'
}
search_result() { fresh 3 && ok 'SEARCH RETURN (SAVE) 2:3' && ok 'FETCH $ UID' && tells_times 2 FETCH; }
enable() { on 2 && ok 'ENABLE XNOSUCHEXTENSION' && tells_no '^\* ENABLED.*XNOSUCH'; }
condstore() {
  local seq
  fill 2 && on 2 && ok "SELECT $box (CONDSTORE)" && tells '\[HIGHESTMODSEQ ([0-9]+)\]' && seq=${BASH_REMATCH[1]} && ok 'FETCH 1 MODSEQ' && tells 'MODSEQ \([0-9]+\)' &&
    ok "STORE 1 (UNCHANGEDSINCE $seq) +FLAGS (\\Flagged)" && tells 'MODSEQ \([0-9]+\)' && ok "STORE 1 (UNCHANGEDSINCE $seq) -FLAGS (\\Flagged)" &&
    answers '\[MODIFIED 1\]' && ok "FETCH 1:* FLAGS (CHANGEDSINCE $seq)" && tells_times 1 '^\* 1 FETCH' && tells_times 0 '^\* 2 FETCH' &&
    ok "SEARCH MODSEQ $((seq + 1))" && tells '^\* SEARCH 1 \(MODSEQ [0-9]+\)' && ok CLOSE && ok "STATUS $box (HIGHESTMODSEQ)" && tells 'HIGHESTMODSEQ [1-9]'
}
qresync() {
  local validity seq uid
  fill 3 && on 2 && ok 'ENABLE QRESYNC' && tells '^\* ENABLED.*QRESYNC' && ok "SELECT $box" && tells '\[UIDVALIDITY ([0-9]+)\]' && validity=${BASH_REMATCH[1]} &&
    tells '\[HIGHESTMODSEQ ([0-9]+)\]' && seq=${BASH_REMATCH[1]} && ok 'FETCH 2 UID' && tells 'UID ([0-9]+)' && uid=${BASH_REMATCH[1]} &&
    ok 'STORE 2 +FLAGS.SILENT (\Deleted)' && ok EXPUNGE && tells "^\\* VANISHED $uid\$" && tells_times 0 '^\* [0-9]+ EXPUNGE' &&
    ok 'STORE 1 +FLAGS (\Flagged)' && ok CLOSE && ok "SELECT $box (QRESYNC ($validity $seq))" && tells "^\\* VANISHED \\(EARLIER\\) $uid\$" &&
    tells '^\* 1 FETCH .*\\Flagged' && tells_times 0 '^\* 2 FETCH'
}

# ---------------------------------------------------------------------------------------------------------------- the table

rows=() passed=0 failed=0 skipped=0 tried=' IMAP4* '
row() { rows+=("$(printf '%-24s %-5s %s' "$1" "$2" "${3-}")"); }

# Tries feature $1 by function $3 (with more arguments), if the server offers $2, a pattern; `-` is what every server must do.
feature() {
  local name=$1 need=$2
  shift 2
  ! $stopping || return
  tried+="$need "
  if [ "$need" != - ] && ! offers "$need"; then
    skipped=$((skipped + 1))
    row "$name" skip 'not offered'
    return
  fi
  ! $verbose || printf -- '-- %s\n' "$name" >&2
  # A second mailbox for those that need one: what a feature that fails leaves of it is in nobody's way.
  fault='' asked='' other=${box-}-$serial
  if ((lost >= lost_most)); then
    fault="not tried: $lost connections were lost"
  else
    on 1 && "$@" || fault=${fault:-"$asked: heard '${answer-}'"}
    leave 2
    leave 3
    at=1
  fi
  if [ -z "$fault" ]; then passed=$((passed + 1)) && row "$name" ok; else failed=$((failed + 1)) && row "$name" FAIL "${fault//[$'\r\n']/ }"; fi
}

# The names that are offered and that no feature here needs.
untried() {
  local name pattern known
  set -f
  # shellcheck disable=SC2086 # words are meant
  for name in $(printf '%s\n' $offered | sort -u); do
    known=false
    # shellcheck disable=SC2053 # a pattern is meant
    for pattern in $tried; do [[ $name == $pattern ]] && known=true; done
    $known || printf ' %s' "$name"
  done
  set +f
}

table() {
  local names
  printf '%-24s %-5s %s\n' feature result 'what went wrong' ------------------------ ----- ---------------
  printf '%s\n' "${rows[@]}"
  names=$(untried)
  [ -z "$names" ] || printf '\noffered, and not tried here:%s\n' "$names"
  printf '\n%s ok, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
}

features_before_login() {
  feature greeting - greeting
  feature CAPABILITY - capability
  learn || give_up "no CAPABILITY: $fault"
  feature STARTTLS STARTTLS starttls
  feature LOGINDISABLED LOGINDISABLED login_disabled
  ! offers LOGINDISABLED || give_up 'the server takes no password on this way (LOGINDISABLED); try --starttls or --ssl'
  { on 1 && log_in; } || give_up "cannot log in: $fault"
  feature LOGIN - noop
  feature 'LOGIN, literals' - login_literals
  feature 'LOGIN, wrong password' - wrong_password
  feature AUTH=PLAIN AUTH=PLAIN auth_plain
  feature AUTH=LOGIN AUTH=LOGIN auth_login
  feature SASL-IR SASL-IR sasl_ir
  feature 'AUTHENTICATE, ended' AUTH=PLAIN sasl_cancel
  local mechanism
  for mechanism in SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS; do
    feature "AUTH=$mechanism" "AUTH=$mechanism" scram "$mechanism"
  done
}

features_of_mailboxes() {
  feature NOOP - noop
  feature 'unknown command' - unknown_command
  feature ID ID identity
  feature NAMESPACE NAMESPACE namespace
  feature 'CREATE, DELETE' - create_delete
  feature RENAME - rename
  feature LIST - list
  feature 'SUBSCRIBE, LSUB' - subscribe
  feature STATUS - status
  feature SELECT - selecting
  feature EXAMINE - examine
  feature CHECK - check
  feature CLOSE - closing
  feature UNSELECT UNSELECT unselect
  feature CHILDREN CHILDREN children
  feature SPECIAL-USE SPECIAL-USE special_use
  feature LIST-EXTENDED LIST-EXTENDED list_extended
  feature LIST-STATUS LIST-STATUS list_status
  feature STATUS=SIZE STATUS=SIZE status_size
}

features_of_mails() {
  feature APPEND - appending
  feature FETCH - fetch
  feature 'FETCH BODY[]' - fetch_body
  feature 'FETCH ENVELOPE' - envelope
  feature 'FETCH BODYSTRUCTURE' - bodystructure
  feature STORE - store
  feature COPY - copying
  feature EXPUNGE - expunge
  feature SEARCH - search
  feature 'UID commands' - uid_commands
  feature 'two sessions' - two_sessions
  feature UIDPLUS UIDPLUS uidplus
  feature MOVE MOVE moving
  feature IDLE IDLE idle
  feature LITERAL 'LITERAL[+-]' literal_plus
  feature MULTIAPPEND MULTIAPPEND multiappend
  feature APPENDLIMIT 'APPENDLIMIT*' append_limit
  feature BINARY BINARY binary
  feature SAVEDATE SAVEDATE save_date
  feature OBJECTID OBJECTID object_id
  feature PREVIEW 'PREVIEW*' preview
  feature WITHIN WITHIN within
  feature ESEARCH ESEARCH esearch
  feature SEARCHRES SEARCHRES search_result
  feature ENABLE ENABLE enable
  feature CONDSTORE CONDSTORE condstore
  feature QRESYNC QRESYNC qresync
}

main() {
  read_options "$@"
  folder=$(mktemp -d) || give_up 'no folder for temporary files'
  trap '' PIPE
  # What a signal stops goes on to its end without a word more to the server: the mailbox is removed outside of a trap.
  trap 'stopping=true' INT TERM HUP
  trap 'leave 1; leave 2; leave 3; rm -rf "$folder"' EXIT
  { { [ "$security" = ssl ] || greeted_in_the_clear; } && connect 1; } || give_up "no connection to $(place): $(complaint)"
  features_before_login
  { on 1 && learn && find_place; } || give_up "no place to work in: $fault"
  features_of_mailboxes
  features_of_mails
  feature UNAUTHENTICATE UNAUTHENTICATE unauthenticate
  feature COMPRESS COMPRESS=DEFLATE compress
  feature LOGOUT - logout
  trap '' INT TERM HUP
  local interrupted=$stopping
  stopping=false
  tidy_up
  ! $interrupted || give_up 'interrupted'
  table
  ((failed == 0))
}

# Why there is no connection, as bash or openssl tells it.
complaint() {
  local why
  why=$(grep -m 1 -iE 'error|refused|known|unreach|route' "$folder/complaint") || why=$fault
  printf '%s' "${why##*test_imap.sh: }"
}

main "$@"
