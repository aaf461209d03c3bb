# SPDX-License-Identifier: ISC
# Written by completions/generate.sh from the option tables; do not edit.

# Names below the root that have a queue; directories for what has a '/'.
function __qutils_queues
    if string match -q -r '/|^~' -- (commandline -ct)
        __fish_complete_directories (commandline -ct) ''
        return
    end
    set -l root $Q_ROOT
    if test -z "$root"; and test (id -u) -eq 0
        set root /var/spool/qutils
    else if test -z "$root"
        set root $XDG_STATE_HOME
        test -n "$root"; or set root $HOME/.local/state
        set root $root/qutils
    end
    # A name that the commands would refuse is not offered.
    for file in $root/*/data.mdb
        set -l name (string split / -- $file)[-2]
        string match -r '^(?![0-9]+$)[A-Za-z0-9_][A-Za-z0-9._-]*$' -- "$name"
    end
end

# How many operands stand before the word, and the first, given the options that need an
# argument; fails after "--" and where an option or its argument is meant.
function __qutils_operands
    set -l words (commandline -opc)[2..]
    set -l count 0
    set -l first
    set -l argument false
    for word in $words
        if $argument
            set argument false
        else if test "$word" = --
            return 1
        else if string match -q -- '--*' $word
            contains -- $word $argv; and set argument true
        else if string match -q -r -- '^-.' $word
            # Of grouped letters, the first that needs an argument ends the group.
            set -l letters (string split '' -- (string sub -s 2 -- $word))
            for i in (seq (count $letters))
                if contains -- -$letters[$i] $argv
                    test $i -eq (count $letters); and set argument true
                    break
                end
            end
        else
            test $count -gt 0; or set first $word
            set count (math $count + 1)
        end
    end
    test $argument = false; or return 1
    printf '%s\n' $count $first
end

# Whether so many operands stand before the word: TEST NUMBER OPTION...
function __qutils_operand
    set -l found (__qutils_operands $argv[3..]); or return 1
    test $found[1] $argv[1] $argv[2]
end

# Whether the next operand has that place behind one of the subcommands:
# PLACE SUB,SUB OPTION...
function __qutils_behind
    set -l found (__qutils_operands $argv[3..]); or return 1
    test $found[1] -eq $argv[1]; and contains -- $found[2] (string split , -- $argv[2])
end

function __qutils_after_dashes
    contains -- -- (commandline -opc)
end

# What fish knows of the command that follows "--".
function __qutils_command
    set -l words (commandline -opc)
    set -l dashes (contains -i -- -- $words)
    set -l rest $words[(math $dashes + 1)..]
    complete -C (string join ' ' -- (string escape -- $rest) (commandline -ct))
end

complete -c qpush -e
complete -c qpush -f
complete -c qpush -n 'not __qutils_after_dashes' -s l -l lines -d 'a message per line of stdin'
complete -c qpush -n 'not __qutils_after_dashes' -s 0 -l null -d 'a message per NUL-terminated record'
complete -c qpush -n 'not __qutils_after_dashes' -s J -l json-lines -d 'a message per line, as a JSON object'
complete -c qpush -n 'not __qutils_after_dashes' -s f -l file -r -F -d 'a message is what FILE contains'
complete -c qpush -n 'not __qutils_after_dashes' -s d -l delay -x -d 'ready only after DURATION'
complete -c qpush -n 'not __qutils_after_dashes' -l at -x -d 'ready only from TIME on'
complete -c qpush -n 'not __qutils_after_dashes' -s e -l expire -x -d 'drop it if not taken in DURATION'
complete -c qpush -n 'not __qutils_after_dashes' -s p -l priority -x -d '-100..100, higher goes first (0)'
complete -c qpush -n 'not __qutils_after_dashes' -s m -l max-attempts -x -d 'attempts before it is dead (20)'
complete -c qpush -n 'not __qutils_after_dashes' -s k -l key -x -d 'not if one of this KEY waits or is leased'
complete -c qpush -n 'not __qutils_after_dashes' -s g -l group -x -d 'in order, and one at a time, with others of GROUP'
complete -c qpush -n 'not __qutils_after_dashes' -s H -l header -x -d 'an attribute beside the body'
complete -c qpush -n 'not __qutils_after_dashes' -s i -l print-id -d 'print the id of each message'
complete -c qpush -n 'not __qutils_after_dashes' -s j -l json -d 'the same as JSON, with whether KEY was known'
complete -c qpush -n 'not __qutils_after_dashes' -s w -l wait -d 'wait for room in a full queue'
complete -c qpush -n 'not __qutils_after_dashes' -s C -l no-create -d 'the queue must exist'
complete -c qpush -n 'not __qutils_after_dashes' -l atomic -d 'store all messages or none'
complete -c qpush -n 'not __qutils_after_dashes' -l call -d 'wait for its end; print and exit as its COMMAND did'
complete -c qpush -n 'not __qutils_after_dashes' -l allow-empty -d 'accept an empty message'
complete -c qpush -n 'not __qutils_after_dashes' -l from-command -d 'push COMMAND\'s output if it exits 0'
complete -c qpush -n 'not __qutils_after_dashes' -l lock-wait -x -d 'wait so long for another process (30s)'
complete -c qpush -n 'not __qutils_after_dashes' -l force -d 'accept a network file system'
complete -c qpush -n 'not __qutils_after_dashes' -s q -l quiet -d 'print nothing but errors'
complete -c qpush -n 'not __qutils_after_dashes' -s v -l verbose -d 'say what happens'
complete -c qpush -n 'not __qutils_after_dashes' -s h -l help -d 'print this help'
complete -c qpush -n 'not __qutils_after_dashes' -s V -l version -d 'print the version'
complete -c qpush -n __qutils_after_dashes -a '(__qutils_command)'
complete -c qpush -n '__qutils_operand -eq 0 --file -f --delay -d --at --expire -e --priority -p --max-attempts -m --key -k --group -g --header -H --lock-wait' -a '(__qutils_queues)'
complete -c qpop -e
complete -c qpop -f
complete -c qpop -n 'not __qutils_after_dashes' -s L -l lease -x -d 'take under a lease; qack finishes it'
complete -c qpop -n 'not __qutils_after_dashes' -s n -l count -x -a 'all' -d 'at most so many (1, or that of -B)'
complete -c qpop -n 'not __qutils_after_dashes' -s w -l wait -d 'wait for a message'
complete -c qpop -n 'not __qutils_after_dashes' -s g -l group -x -d 'of this group only'
complete -c qpop -n 'not __qutils_after_dashes' -l id -x -d 'take this message only'
complete -c qpop -n 'not __qutils_after_dashes' -s l -l lines -d 'end each body with a newline'
complete -c qpop -n 'not __qutils_after_dashes' -s 0 -l null -d 'end each body with a NUL'
complete -c qpop -n 'not __qutils_after_dashes' -s j -l json -d 'a JSON object per message'
complete -c qpop -n 'not __qutils_after_dashes' -s o -l output -r -F -d 'write to FILE, which appears when complete'
complete -c qpop -n 'not __qutils_after_dashes' -s r -l receipt -r -F -d 'write the receipt to FILE, with -L'
complete -c qpop -n 'not __qutils_after_dashes' -l owner -x -d 'the lease ends with that process, too'
complete -c qpop -n 'not __qutils_after_dashes' -s P -l parallel -x -d 'so many COMMANDs at once (1)'
complete -c qpop -n 'not __qutils_after_dashes' -s B -l batch -x -d 'give a COMMAND up to N messages, a line each'
complete -c qpop -n 'not __qutils_after_dashes' -l each-status -d 'with -B, read a status for each from descriptor 3'
complete -c qpop -n 'not __qutils_after_dashes' -s I -l replace -x -d 'what an argument shows for the body ({})'
complete -c qpop -n 'not __qutils_after_dashes' -s T -l timeout -x -d 'end a COMMAND that takes longer'
complete -c qpop -n 'not __qutils_after_dashes' -l kill-after -x -d 'KILL so long after TERM (10s)'
complete -c qpop -n 'not __qutils_after_dashes' -s R -l rate -x -d 'no more COMMANDs a second (or /m, /h, /d)'
complete -c qpop -n 'not __qutils_after_dashes' -l dead-on -x -d 'exits that mean never again (65,100)'
complete -c qpop -n 'not __qutils_after_dashes' -l backoff -x -d 'wait after the first failure; doubles (the queue\'s)'
complete -c qpop -n 'not __qutils_after_dashes' -l backoff-max -x -d 'longest wait after a failure (the queue\'s)'
complete -c qpop -n 'not __qutils_after_dashes' -l to -x -a '(__qutils_queues)' -d 'push what COMMAND prints to QUEUE2'
complete -c qpop -n 'not __qutils_after_dashes' -l to-lines -d 'a message a line of it'
complete -c qpop -n 'not __qutils_after_dashes' -l stop-on-failure -d 'take no more when one failed'
complete -c qpop -n 'not __qutils_after_dashes' -l idle-exit -x -d 'end after so long without work'
complete -c qpop -n 'not __qutils_after_dashes' -l lock-wait -x -d 'wait so long for another process (30s)'
complete -c qpop -n 'not __qutils_after_dashes' -l force -d 'accept a network file system'
complete -c qpop -n 'not __qutils_after_dashes' -s q -l quiet -d 'print nothing but errors'
complete -c qpop -n 'not __qutils_after_dashes' -s v -l verbose -d 'say what happens'
complete -c qpop -n 'not __qutils_after_dashes' -s h -l help -d 'print this help'
complete -c qpop -n 'not __qutils_after_dashes' -s V -l version -d 'print the version'
complete -c qpop -n __qutils_after_dashes -a '(__qutils_command)'
complete -c qpop -n '__qutils_operand -eq 0 --lease -L --count -n --group -g --id --output -o --receipt -r --owner --parallel -P --batch -B --replace -I --timeout -T --kill-after --rate -R --dead-on --backoff --backoff-max --to --idle-exit --lock-wait' -a '(__qutils_queues)'
complete -c qack -e
complete -c qack -f
complete -c qack -n 'not __qutils_after_dashes' -l release -d 'give back, without counting the attempt'
complete -c qack -n 'not __qutils_after_dashes' -l fail -d 'failed: again after the back-off, or dead'
complete -c qack -n 'not __qutils_after_dashes' -l dead -d 'failed for good: no more attempts'
complete -c qack -n 'not __qutils_after_dashes' -l extend -x -d 'keep it, for DURATION from now'
complete -c qack -n 'not __qutils_after_dashes' -s d -l delay -x -d 'not again before, with --release, --fail'
complete -c qack -n 'not __qutils_after_dashes' -l reason -x -d 'why, with --release, --extend, --fail, --dead'
complete -c qack -n 'not __qutils_after_dashes' -l strict -d 'refuse leases that are over, taken or not'
complete -c qack -n 'not __qutils_after_dashes' -s j -l json -d 'print a JSON object per receipt'
complete -c qack -n 'not __qutils_after_dashes' -l lock-wait -x -d 'wait so long for another process (30s)'
complete -c qack -n 'not __qutils_after_dashes' -l force -d 'accept a network file system'
complete -c qack -n 'not __qutils_after_dashes' -s q -l quiet -d 'print nothing but errors'
complete -c qack -n 'not __qutils_after_dashes' -s v -l verbose -d 'say what happens'
complete -c qack -n 'not __qutils_after_dashes' -s h -l help -d 'print this help'
complete -c qack -n 'not __qutils_after_dashes' -s V -l version -d 'print the version'
complete -c qack -n '__qutils_operand -eq 0 --extend --delay -d --reason --lock-wait' -a '(__qutils_queues)'
complete -c qstat -e
complete -c qstat -f
complete -c qstat -n 'not __qutils_after_dashes' -l list -d 'list the messages of a queue'
complete -c qstat -n 'not __qutils_after_dashes' -l state -x -a 'ready delayed blocked leased dead' -d 'list those in STATE only'
complete -c qstat -n 'not __qutils_after_dashes' -s n -l limit -x -d 'list at most so many'
complete -c qstat -n 'not __qutils_after_dashes' -l older-than -x -d 'list those pushed longer ago than that'
complete -c qstat -n 'not __qutils_after_dashes' -s g -l group -x -d 'list those of GROUP only'
complete -c qstat -n 'not __qutils_after_dashes' -s H -l header -x -d 'list those with that header'
complete -c qstat -n 'not __qutils_after_dashes' -l body -d 'list with bodies, with --json'
complete -c qstat -n 'not __qutils_after_dashes' -l sizes -d 'show what queues take on the disk'
complete -c qstat -n 'not __qutils_after_dashes' -l holders -d 'show who has messages, the lock, or the queue open'
complete -c qstat -n 'not __qutils_after_dashes' -l forecast -d 'say what to expect of a queue'
complete -c qstat -n 'not __qutils_after_dashes' -l workers -x -d 'forecast for so many workers'
complete -c qstat -n 'not __qutils_after_dashes' -l target-wait -x -d 'forecast workers that keep 95 of 100 waits below'
complete -c qstat -n 'not __qutils_after_dashes' -l check -d 'answer as a Nagios plugin: critical if one is met'
complete -c qstat -n 'not __qutils_after_dashes' -l warning -x -a 'empty ready delayed blocked leased dead pending oldest bytes disk in out wait50 wait99 service load' -d 'with --check: only a warning'
complete -c qstat -n 'not __qutils_after_dashes' -l openmetrics -d 'print numbers for Prometheus'
complete -c qstat -n 'not __qutils_after_dashes' -s o -l output -r -F -d 'with --openmetrics: into FILE, at once'
complete -c qstat -n 'not __qutils_after_dashes' -l alert-rules -d 'print rules of alerts for Prometheus'
complete -c qstat -n 'not __qutils_after_dashes' -l grafana-dashboard -d 'print a dashboard for Grafana'
complete -c qstat -n 'not __qutils_after_dashes' -s j -l json -d 'a JSON object per queue or message'
complete -c qstat -n 'not __qutils_after_dashes' -l lock-wait -x -d 'wait so long for another process (30s)'
complete -c qstat -n 'not __qutils_after_dashes' -l force -d 'accept a network file system'
complete -c qstat -n 'not __qutils_after_dashes' -s q -l quiet -d 'print nothing but errors'
complete -c qstat -n 'not __qutils_after_dashes' -s v -l verbose -d 'say what happens'
complete -c qstat -n 'not __qutils_after_dashes' -s h -l help -d 'print this help'
complete -c qstat -n 'not __qutils_after_dashes' -s V -l version -d 'print the version'
complete -c qstat -n '__qutils_operand -ge 0 --state --limit -n --older-than --group -g --header -H --workers --target-wait --warning --output -o --lock-wait' -a '(__qutils_queues)'
complete -c qwatch -e
complete -c qwatch -f
complete -c qwatch -n 'not __qutils_after_dashes' -l events -d 'print a line for each event'
complete -c qwatch -n 'not __qutils_after_dashes' -l since -x -d 'print the log from TIME on; --events: and go on'
complete -c qwatch -n 'not __qutils_after_dashes' -s j -l json -d 'a JSON object for each event, or for the end of ID'
complete -c qwatch -n 'not __qutils_after_dashes' -s n -l count -x -d 'end after N events, or runs of COMMAND'
complete -c qwatch -n 'not __qutils_after_dashes' -l until -x -a 'empty ready delayed blocked leased dead pending oldest bytes disk in out wait50 wait99 service load' -d 'wait until the queue meets CONDITION'
complete -c qwatch -n 'not __qutils_after_dashes' -l alert -x -a 'empty ready delayed blocked leased dead pending oldest bytes disk in out wait50 wait99 service load' -d 'run COMMAND when a queue comes to meet CONDITION'
complete -c qwatch -n 'not __qutils_after_dashes' -l clear -x -a 'empty ready delayed blocked leased dead pending oldest bytes disk in out wait50 wait99 service load' -d 'not again before CONDITION is met; then, too'
complete -c qwatch -n 'not __qutils_after_dashes' -s T -l timeout -x -d 'wait no longer than that'
complete -c qwatch -n 'not __qutils_after_dashes' -l interval -x -d 'on a terminal: look so often (1s)'
complete -c qwatch -n 'not __qutils_after_dashes' -l lock-wait -x -d 'wait so long for another process (30s)'
complete -c qwatch -n 'not __qutils_after_dashes' -l force -d 'accept a network file system'
complete -c qwatch -n 'not __qutils_after_dashes' -s q -l quiet -d 'print nothing but errors'
complete -c qwatch -n 'not __qutils_after_dashes' -s v -l verbose -d 'say what happens'
complete -c qwatch -n 'not __qutils_after_dashes' -s h -l help -d 'print this help'
complete -c qwatch -n 'not __qutils_after_dashes' -s V -l version -d 'print the version'
complete -c qwatch -n __qutils_after_dashes -a '(__qutils_command)'
complete -c qwatch -n '__qutils_operand -ge 0 --since --count -n --until --alert --clear --timeout -T --interval --lock-wait' -a '(__qutils_queues)'
complete -c qctl -e
complete -c qctl -f
complete -c qctl -n 'not __qutils_after_dashes' -l mode -x -d 'create, load: mode of the queue, in octal (0700)'
complete -c qctl -n 'not __qutils_after_dashes' -l group -x -d 'create, load: group of the queue, by name or number'
complete -c qctl -n 'not __qutils_after_dashes' -l repair -d 'check: build the queue again of what is readable'
complete -c qctl -n 'not __qutils_after_dashes' -l all -d 'all messages it can be done to'
complete -c qctl -n 'not __qutils_after_dashes' -l state -x -a 'ready delayed blocked leased dead' -d 'messages in this state'
complete -c qctl -n 'not __qutils_after_dashes' -l older-than -x -d 'messages pushed so long ago'
complete -c qctl -n 'not __qutils_after_dashes' -l reason -x -d 'messages whose last failure is like it; dead: why'
complete -c qctl -n 'not __qutils_after_dashes' -l to -x -a '(__qutils_queues)' -d 'redrive: into this queue'
complete -c qctl -n 'not __qutils_after_dashes' -s n -l limit -x -d 'move, copy: the first so many'
complete -c qctl -n 'not __qutils_after_dashes' -l timeout -x -d 'drain: wait no longer'
complete -c qctl -n 'not __qutils_after_dashes' -s j -l json -d 'print JSON objects'
complete -c qctl -n 'not __qutils_after_dashes' -s y -l yes -d 'do it, not only say it'
complete -c qctl -n 'not __qutils_after_dashes' -l lock-wait -x -d 'wait so long for another process (30s)'
complete -c qctl -n 'not __qutils_after_dashes' -l force -d 'a network file system; what is in use or damaged'
complete -c qctl -n 'not __qutils_after_dashes' -s q -l quiet -d 'print nothing but errors'
complete -c qctl -n 'not __qutils_after_dashes' -s v -l verbose -d 'say what happens'
complete -c qctl -n 'not __qutils_after_dashes' -s h -l help -d 'print this help'
complete -c qctl -n 'not __qutils_after_dashes' -s V -l version -d 'print the version'
complete -c qctl -n '__qutils_operand -eq 0 --mode --group --state --older-than --reason --to --limit -n --timeout --lock-wait' -a 'backup cancel check compact copy create dead drain dump edit get load move pause purge redrive rerun release resume rm set ls'
complete -c qctl -n '__qutils_behind 1 backup,cancel,check,compact,copy,create,dead,drain,dump,edit,get,load,move,pause,purge,redrive,rerun,release,resume,rm,set --mode --group --state --older-than --reason --to --limit -n --timeout --lock-wait' -a '(__qutils_queues)'
complete -c qctl -n '__qutils_behind 2 copy,move --mode --group --state --older-than --reason --to --limit -n --timeout --lock-wait' -a '(__qutils_queues)'
complete -c qctl -n '__qutils_behind 2 backup --mode --group --state --older-than --reason --to --limit -n --timeout --lock-wait' -a '(__fish_complete_directories)'
complete -c qctl -n '__qutils_behind 2 load --mode --group --state --older-than --reason --to --limit -n --timeout --lock-wait' -F
complete -c qctl -n '__qutils_behind 2 pause,resume --mode --group --state --older-than --reason --to --limit -n --timeout --lock-wait' -a 'in out'
