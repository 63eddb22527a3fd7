# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of egressctl for fish. What there is, egressctl says itself: see "complete" in egressctl(8).
set -l verbs (egressctl complete verbs 2>/dev/null)
set -l user_verbs (egressctl complete user-verbs 2>/dev/null)
complete -c egressctl -f
complete -c egressctl -n "not __fish_seen_subcommand_from $verbs" -a "$verbs"
complete -c egressctl -n "__fish_seen_subcommand_from $user_verbs" -a "(egressctl complete accounts 2>/dev/null)"
complete -c egressctl -n "__fish_seen_subcommand_from check-config" -F
complete -c egressctl -n "__fish_seen_subcommand_from export" -l format -x -a "(egressctl complete formats 2>/dev/null)"
complete -c egressctl -s c -l config -r -F
complete -c egressctl -l color -x -a "auto always never"
complete -c egressctl -l json
complete -c egressctl -l no-legend
complete -c egressctl -l help
complete -c egressctl -l version
