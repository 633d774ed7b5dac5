#include "cli/options.h"

namespace ashlar::cli {

std::string version_text() { return "ashlar-cli " ASHLAR_VERSION; }

std::string usage_text() {
  return version_text() + R"(

Usage: ashlar-cli [OPTIONS] [cmd [arg [arg ...]]]

Server
  -h <hostname>        Host name or address (default: 127.0.0.1).
  -p <port>            Port (default: 6379).
  -t <seconds>         Time allowed for connecting (default: 10).
  -s <socket>          Unix socket, instead of host and port.
  -u <uri>             redis://[[user]:password@]host[:port][/db]
  -a <password>        Password. The environment variables ASHLARCLI_AUTH and
                       REDISCLI_AUTH keep it out of the process list; -a wins.
  --user <username>    Log in as this user; needs a password.
  --pass <password>    The same as -a.
  --askpass            Ask for the password on the terminal.
  --no-auth-warning    Do not warn about passwords on the command line.
  -n <db>              Database number.
  -2, -3               Speak RESP2 or RESP3.
  -c                   Cluster mode: follow MOVED and ASK redirections.

Commands
  -r <count>           Run the command this often (negative: for ever).
  -i <seconds>         Pause between runs, between --stat lines and SCAN calls;
                       fractions such as 0.1 are fine.
  -x                   Take the last argument from standard input.
  -X <tag>             Take the argument that equals <tag> from standard input.
  --quoted-input       Read the arguments as quoted strings ("\x00").
  -e                   Exit with 1 when the server answers with an error.
  --verbose            Say more.

Output
  --raw                Replies as they are (default unless stdout is a terminal).
  --no-raw             Replies with their types, also into files and pipes.
  --csv                Comma-separated values.
  --json               JSON (asks the server for RESP3 unless -2 is given).
  --quoted-json        JSON with binary-safe quoted strings.
  -d <delimiter>       Between the elements of a raw reply (default: \n).
  -D <delimiter>       After each raw reply (default: \n).
  --show-pushes <yn>   Print RESP3 push messages (default on a terminal).

Special modes
  --stat               A line of statistics every second.
  --latency            Measure round trips; one summary when not on a terminal.
  --latency-history    A summary every 15 seconds (or every -i).
  --latency-dist       Round trips as a spectrum of colours; --mono for grey.
  --scan               List keys. --pattern <glob>, --quoted-pattern <glob> and
                       --count <n> choose them.
  --bigkeys            Find the keys with most elements.
  --memkeys            Find the keys that use most memory;
  --memkeys-samples <n>  the same, sampling n elements of each.
  --hotkeys            Find the keys used most (maxmemory-policy *lfu only).
  --pipe               Send raw protocol from standard input.
  --pipe-timeout <n>   Give up when no reply came for n seconds after the end of
                       the input (default: 30, 0: never).
  --rdb <file>         Save a snapshot of the server ("-": standard output).
  --functions-rdb <file>  The same with functions only.
  --replica            Show the commands that the server sends to its replicas.
  --cluster <command> [args...]
                       Manage a cluster; see --cluster help.

  --help, --version

Without a command, ashlar-cli is interactive: type "help" there. Examples:
  ashlar-cli -c -p 6001 set city Kyoto
  ashlar-cli -x set letter < letter.txt
  ashlar-cli --scan --pattern 'user:*'
  ashlar-cli --cluster check 127.0.0.1:6001
)";
}

}  // namespace ashlar::cli
