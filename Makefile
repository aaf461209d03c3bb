# One Makefile, never recursive: every target of the project is in this file.
#
#   make                build the commands and libq into $(B)
#   make demo           a real flow through a queue, explained as it runs
#   make test           unit, command, documentation and fuzz tests
#   make SAN=1 test     the same, under AddressSanitizer and UBSan
#   make LIBC=musl ...  any of these, with qpush, qpop and qack over musl, into build-musl;
#                       or glibc. Without it, over musl where that is possible
#   make fuzz           each fuzzer for FUZZ_SECONDS
#   make afl            the same by AFL++, and commands on a whole data.mdb, for AFL_SECONDS
#   make crash          kills, errors, power cuts, damage; CRASH_SCALE=1: five minutes
#   make power          of these, the power cuts alone; POWER_SCALE times as many (1)
#   make damage         and the damaged files alone; DAMAGE_SCALE times as many (1)
#   make model          every state of the protocols' models (spin)
#   make tsan           what processes share, under ThreadSanitizer
#   make valgrind       a run of each command
#   make coverage       lines and branches of our own code that the tests run
#   make mutants        the code broken in one place after the other: is it seen?
#   make bench          speed, side by side with what is installed
#   make builtins       qpush, qpop and qack as builtins of bash, in one shared object
#   make builtins-test  their tests, and those of the commands with them
#   make lint           formatting, static analysis, manual pages, shell scripts
#   make completions    write the completions again from the option tables
#   make install        into $(DESTDIR)$(PREFIX); uninstall removes the same files

VERSION := 0.1.0
ABI     := 0

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
LIBDIR  ?= $(PREFIX)/lib
INCDIR  ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR  ?= $(DATADIR)/man
INSTALL ?= install
OBJCOPY ?= objcopy
PROVE   ?= prove

# CFLAGS, CPPFLAGS and LDFLAGS belong to whoever builds; ours are in all_*.
CFLAGS  ?= -O2 -g
SAN     ?=
# The C library of the commands that start thousands of times: musl, glibc, or nothing for
# the best that there is.
LIBC    ?=
B       ?= build$(if $(LIBC),-$(LIBC))$(if $(SAN),-san)
# Where that is, for programs that run elsewhere.
bin       = $(if $(filter /%,$(B)),$(B),$(CURDIR)/$(B))
FUZZ_SECONDS ?= 60
AFL_SECONDS  ?= 60
FUZZ_CC  ?= clang
fuzz_san := -fsanitize=fuzzer

warnings := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	    -Wpointer-arith -Wwrite-strings -Wformat=2 -Wvla -Wno-missing-field-initializers \
	    -Wno-unused-result # gcc has it ignore (void), where _FORTIFY_SOURCE is set
, := ,
san      := $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
all_cpp  := -Ilibq -D_GNU_SOURCE -DVERSION='"$(VERSION)"' $(CPPFLAGS)
all_c    := -std=c11 -fPIC $(warnings) $(san) $(CFLAGS)
compile   = $(CC) $(all_cpp) $(all_c) -MMD -MP -c -o $@ $<
link      = $(CC) $(san) $(LDFLAGS) -o $@

COMMANDS := qpush qpop qack qstat qwatch qctl
# Commands that start thousands of times are static: a third of what such a process costs
# is finding and binding its libraries. STATIC= builds them like the others, for which
# archives are used where there are any.
STATIC   ?= $(if $(SAN),,-static)
hot      := qpush qpop qack
archives := -Wl,-Bstatic -llmdb -ljansson -Wl,-Bdynamic
libs_qstat := -lsmartcols -lm
libs_qwatch := -lncursesw -ltinfo -lm
# Over musl they start in a third of the time: glibc asks the processor for dozens of its
# properties first, each of which traps where there is a hypervisor. LMDB and Jansson are
# the system's archives for glibc; libq/musl/check.sh verifies that they can be used, with
# this compiler and its flags: where not, it says why, and glibc is taken. What needs more
# of a C library (names of groups, a locale) stays with glibc.
MUSL_CC  ?= musl-gcc
has_musl := $(shell command -v $(MUSL_CC))
$(if $(filter-out musl glibc,$(LIBC)),$(error LIBC=$(LIBC): musl, or glibc))
$(if $(and $(filter musl,$(LIBC)),$(SAN)),$(error SAN=$(SAN) needs glibc))
$(if $(filter musl,$(LIBC)),$(if $(has_musl),,$(error LIBC=musl needs $(MUSL_CC): on Debian, in musl-tools)))

libc     := $(or $(LIBC),glibc)
ifneq ($(and $(has_musl),$(STATIC),$(filter cc gcc gcc-%,$(notdir $(CC)))),)
ifeq ($(or $(LIBC),$(filter clean,$(MAKECMDGOALS))),)
-include $(B)/libc.mk
endif
endif

hot_bins   := $(hot:%=$(B)/%)
musl_all   := $(hot:%=$(B)/musl/%)
glibc_all  := $(hot:%=$(B)/glibc/%)
musl_if_any := $(if $(filter musl,$(libc)),$(musl_all))

lib_obj  := $(patsubst %.c,$(B)/%.o,$(wildcard libq/*.c))
# What the commands share: every file of cmd that is not a command. An archive, so that
# a command loads only the libraries of the objects it uses (libs_<command>).
cmd_obj  := $(patsubst %.c,$(B)/%.o,$(filter-out $(COMMANDS:%=cmd/%.c),$(wildcard cmd/*.c)))
units    := $(patsubst tests/%.c,$(B)/%,$(wildcard tests/unit/*.c))
fuzzers  := $(patsubst tests/%.c,$(B)/%,$(wildcard tests/fuzz/*.c))
tools    := $(patsubst tests/%.c,$(B)/%,$(wildcard tests/tool/*.c))
killer   := $(B)/tool/killer
bins     := $(COMMANDS:%=$(B)/%)
musl_lib := $(patsubst $(B)/%,$(B)/musl/%,$(lib_obj))
musl_own := $(patsubst %,$(B)/musl/libq/musl/%.o,copy fortify open words) $(B)/musl/cmd/static/malloc.o
# board.c is of qstat, live*.c of qwatch, and they need their libraries
no_musl  := board.o $(notdir $(patsubst %.c,%.o,$(wildcard cmd/live*.c)))
musl_cmd := $(filter-out $(no_musl:%=$(B)/musl/cmd/%),$(cmd_obj:$(B)/%=$(B)/musl/%))
apis     := $(COMMANDS:%=$(B)/api/%)
so       := $(B)/libq.so.$(ABI)
archive  := $(B)/static/libq.a
builtins := $(B)/qutils.so

all: $(bins) $(so) $(archive)

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(compile)

$(B)/libq.a: $(lib_obj)
	$(AR) rcs $@ $^

$(so): $(lib_obj) libq/libq.map
	$(link) -shared -Wl,-soname,$(@F) -Wl,--version-script=libq/libq.map $(lib_obj) -llmdb
	ln -sf $(@F) $(B)/libq.so

# What is installed is one object, in which only the names of libq.map can be met by those
# of a program.
$(archive): $(lib_obj) libq/libq.map
	@mkdir -p $(@D)
	sed -n 's/^[[:space:]]*\(q_[a-z_]*\);$$/\1/p' libq/libq.map >$(@D)/names
	$(CC) -r -nostdlib $(if $(findstring -flto,$(CFLAGS)),-flinker-output=nolto-rel) \
		-o $(@D)/q.o $(lib_obj)
	$(OBJCOPY) --keep-global-symbols=$(@D)/names $(@D)/q.o
	$(RM) $@
	$(AR) rcs $@ $(@D)/q.o

$(B)/cmd.a: $(cmd_obj)
	$(AR) rcs $@ $^

$(filter-out $(hot_bins),$(bins)): $(B)/%: $(B)/cmd/%.o $(B)/cmd.a $(B)/libq.a
	$(link) $^ $(archives) $(libs_$*)

$(hot_bins): $(B)/%: $(B)/$(libc)/%
	ln -f $< $@

$(if $(STATIC),$(glibc_all)): $(B)/cmd/static/malloc.o
$(glibc_all): $(B)/glibc/%: $(B)/cmd/%.o $(B)/cmd.a $(B)/libq.a
	@mkdir -p $(@D)
	$(link) $(STATIC) $^ $(if $(STATIC),-llmdb -ljansson,$(archives))

$(B)/libc.mk: $(wildcard libq/musl/*)
	@mkdir -p $(@D)
	@if CC='$(CC)' MUSL_CC='$(MUSL_CC)' sh libq/musl/check.sh flags $(all_cpp) $(all_c) $(LDFLAGS); \
	then echo 'libc := musl'; else echo 'libc := glibc'; fi >$@

$(B)/musl/include: libq/musl/check.sh
	CC='$(CC)' MUSL_CC='$(MUSL_CC)' sh $< headers $@
	@touch $@

$(B)/musl/checked: $(wildcard libq/musl/*)
	@mkdir -p $(@D)
	CC='$(CC)' MUSL_CC='$(MUSL_CC)' sh libq/musl/check.sh archives
	@touch $@

# They have one thread, which needs no storage of its own.
$(B)/musl/%.o: %.c Makefile | $(B)/musl/include
	@mkdir -p $(@D)
	$(MUSL_CC) -isystem $(B)/musl/include -D_Thread_local= $(all_cpp) $(all_c) -fno-pie \
		-MMD -MP -c -o $@ $<

# Else a compiler makes of it a call of itself.
$(B)/musl/libq/musl/copy.o: all_c += -fno-tree-loop-distribute-patterns

$(B)/musl/libq.a: $(musl_lib)
	$(AR) rcs $@ $^

$(B)/musl/cmd.a: $(musl_cmd)
	$(AR) rcs $@ $^

$(musl_all): $(B)/musl/%: $(B)/musl/cmd/%.o $(musl_own) $(B)/musl/cmd.a $(B)/musl/libq.a \
		$(B)/musl/checked
	$(MUSL_CC) $(LDFLAGS) -static -no-pie -Wl,--wrap=strerror -o $@ $(filter-out %/checked,$^) \
		$(shell for l in lmdb jansson; do $(CC) -print-file-name=lib$$l.a; done)

# Builtins of bash are the same objects once more. What they get of a process, and what
# would end it, goes through cmd/bash: an allocation that does not is a bug.
builtins_if_any = $(if $(wildcard $(BASH_INC)/builtins.h),$(builtins))
BASH_INC ?= $(shell pkg-config --variable=includedir bash 2>/dev/null || echo /usr/include)/bash
owned    := exit _exit raise signal sigaction malloc calloc realloc reallocarray posix_memalign \
	    free strdup strndup asprintf vasprintf open openat mkostemp memfd_create close \
	    mmap munmap fopen fdopen fopencookie open_memstream fclose opendir fdopendir closedir \
	    stdin stdout stderr
bash_obj := $(patsubst %.c,$(B)/%.o,$(wildcard cmd/bash/*.c))

$(bash_obj): all_cpp += -DSHELL $(patsubst %,-isystem $(BASH_INC)%,/. /include /builtins)
$(bash_obj): all_c += -Wno-write-strings

$(B)/bash/%.o: cmd/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(all_cpp) -Dmain=$*_main $(all_c) -Wno-missing-prototypes -MMD -MP -c -o $@ $<

$(builtins): $(hot:%=$(B)/bash/%.o) $(bash_obj) $(B)/cmd.a $(B)/libq.a cmd/bash/builtins.map
	$(CC) $(LDFLAGS) -o $@ -shared -Wl,--version-script=cmd/bash/builtins.map \
		$(owned:%=-Wl,--wrap=%) $(filter-out %.map,$^) $(archives)

# As commands, for the tests: see tests/builtin.sh.
$(B)/bash/bin: tests/builtin.sh
	@mkdir -p $@
	for c in $(hot); do ln -sf '$(CURDIR)/$<' $@/$$c || exit 1; done

builtins: $(builtins)

# The tests of all that the builtins do in the place of the programs.
builtins-test: all $(builtins) $(B)/bash/bin $(apis) $(tools)
	SRC='$(CURDIR)' BIN='$(bin)' CC='$(CC)' PROVE='$(PROVE)' BUILTINS=1 CALLS=100000 \
		sh tests/run.sh $(wildcard $(patsubst %,tests/%*.bats,builtins $(hot) ahead batch call \
		concurrency faults groups json keys limits lock manage pause stages time worker))

# Commands may use q.h only: linked to the shared library, anything else is missing. LMDB
# is libq's, shared: a library can be preloaded between the two.
$(apis): $(B)/api/%: $(B)/cmd/%.o $(B)/cmd.a $(so)
	@mkdir -p $(@D)
	$(link) $^ $(filter-out -llmdb,$(archives)) $(libs_$*)

# What fails there: tests/unit/failing.h.
failing := malloc calloc realloc reallocarray strdup mdb_env_create mdb_env_open \
	    mdb_env_set_maxdbs mdb_env_set_mapsize mdb_txn_begin mdb_dbi_open mdb_get mdb_put \
	    mdb_drop mdb_cursor_open mdb_cursor_get mdb_cursor_put mdb_cursor_del read pread \
	    write pwrite copy_file_range ftruncate fallocate fsync fdatasync flock fstat fstatat \
	    stat mkdirat unlinkat renameat fchmod fchown lseek getrandom clock_gettime mmap \
	    opendir fdopendir readdir fopen openat open fcntl syscall mdb_txn_commit \
	    mkdir fstatfs futimens posix_fallocate clock_boot_id \
	    readlink readlinkat
$(B)/unit/quota: wraps := -Wl,--wrap=syscall
$(B)/unit/failing: wraps := $(failing:%=-Wl,--wrap=%)

$(units): $(B)/unit/%: $(B)/tests/unit/%.o $(B)/cmd.a $(B)/libq.a
	@mkdir -p $(@D)
	$(link) $(wraps) $^ -lcmocka $(archives) -lm

# Programs that tests run: drivers of libq, and what is preloaded to bend time.
$(tools): $(B)/tool/%: tests/tool/%.c $(B)/libq.a
	@mkdir -p $(@D)
	$(if $(filter shim-%,$*),$(CC) -shared -fPIC -D_GNU_SOURCE -O2 -o $@ $< -ldl, \
	$(CC) $(all_cpp) $(all_c) $(LDFLAGS) -o $@ $(filter-out %.h,$^) $(archives) -lpthread)

$(filter $(B)/tool/bench-%,$(tools)): tests/tool/bench.h
$(B)/tool/shim-alloc $(B)/tool/shim-lmdb: tests/tool/shim.h
$(B)/tool/shim-lmdb $(B)/tool/shim-place: tests/tool/real.h
$(B)/tool/trace: tests/tool/registers.h

$(killer): $(patsubst %.c,$(B)/%.o,$(wildcard tests/killer/*.c)) $(B)/libq.a
	@mkdir -p $(@D)
	$(link) $^ $(archives)

# What is fuzzed is compiled once more, for clang's coverage instrumentation.
$(B)/fuzz/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(FUZZ_CC) $(all_cpp) -Icmd -std=c11 -g -O1 $(fuzz_san)-no-link,address,undefined \
		-fno-sanitize-recover=all -MMD -MP -c -o $@ $<

$(B)/fuzz.a: $(patsubst $(B)/%,$(B)/fuzz/%,$(lib_obj) $(cmd_obj))
	$(AR) rcs $@ $^

$(fuzzers): $(B)/fuzz/%: $(B)/fuzz/tests/fuzz/%.o $(B)/fuzz.a
	$(FUZZ_CC) $(fuzz_san),address,undefined -o $@ $^ $(archives) $(libs_qstat)

demo: all
	PATH='$(bin)':"$$PATH" sh tests/demo.sh

# Both kinds on one queue are tested wherever musl's compiler is, and builtins where bash's
# headers are.
test: all $(apis) $(units) $(tools) $(killer) $(if $(SAN),,fuzz-brief $(glibc_all) $(musl_if_any) $(builtins_if_any))
	SRC='$(CURDIR)' BIN='$(bin)' CC='$(CC)' PROVE='$(PROVE)' SAN='$(SAN)' sh tests/run.sh

fuzz-brief: $(fuzzers)
	SEED=1 sh tests/fuzz/run.sh 2 $(fuzzers)

fuzz: $(fuzzers)
	sh tests/fuzz/run.sh $(FUZZ_SECONDS) $(fuzzers)

# The commands without sanitizers: they have handlers for the signals of damage.
afl:
	$(MAKE) B=build-afl CC=afl-clang-fast FUZZ_CC=afl-clang-fast STATIC= CFLAGS=-O1 \
		all afl-fuzzers
	sh tests/fuzz/afl.sh $(AFL_SECONDS) build-afl $(fuzzers:$(B)/%=build-afl/%)

afl-fuzzers: $(fuzzers)

crash: all $(apis) $(tools) $(killer) power damage
	BIN='$(bin)' python3 -B tests/crash/crowd.py
	BIN='$(bin)' python3 -B tests/crash/run.py $(CRASH)

power: $(apis) $(tools)
	BIN='$(bin)' python3 -B tests/crash/power.py $(POWER)

damage: all
	BIN='$(bin)' python3 -B tests/crash/damage.py $(DAMAGE)

model:
	CC='$(CC)' sh tests/model/run.sh

# Links decide what is shown to it: tests/tool/threads.c.
tsan_wrap := -Wl,--wrap=mmap,--wrap=munmap,--wrap=flock,--wrap=fcntl

tsan:
	@mkdir -p build-tsan
	$(CC) $(all_cpp) -std=c11 -g -O1 -fsanitize=thread $(tsan_wrap) -o build-tsan/threads \
		tests/tool/threads.c $(wildcard libq/*.c) $(archives) -lpthread
	dir=$$(mktemp -d) && { build-tsan/threads $$dir/jobs 8 250; rc=$$?; rm -r $$dir; exit $$rc; }

valgrind: $(apis) all
	BIN='$(bin)' sh tests/valgrind.sh

# The counters of all that is linked here are files, which outlive any process:
# tests/coverage/counts.c. Of what fuzzers try, the inputs that led further are run again.
# Tests that count system calls or writes, or that link libq.a, fail in this build. Each
# part is bounded: on a busy machine less is attacked, and the numbers are lower.
COVERAGE_SCALE ?= 2

coverage: $(fuzzers)
	$(RM) -r build-cov/counts build-cov/inputs
	mkdir -p build-cov/counts build-cov/inputs
	-KEEP=build-cov/inputs SEED=1 sh tests/fuzz/run.sh 3 $(fuzzers)
	$(MAKE) B=build-cov STATIC= \
		CFLAGS='-O0 -g --coverage -fprofile-update=atomic -fdata-sections' \
		LDFLAGS='--coverage -Wl,-T,tests/coverage/counts.ld -Wl,--wrap=__gcov_init \
		-DCOUNTS=\"$(CURDIR)/build-cov/counts/$$(subst /,-,$$@)\" \
		-D_GNU_SOURCE -fPIC tests/coverage/counts.c' coverage-tests
	python3 -B tests/coverage.py build-cov --missed

replays := $(patsubst tests/fuzz/%.c,$(B)/replay/%,$(wildcard tests/fuzz/*.c))
$(B)/tests/fuzz/%.o: all_cpp += -Icmd
$(replays): $(B)/replay/%: $(B)/tests/fuzz/%.o $(B)/tests/coverage/replay.o $(B)/cmd.a $(B)/libq.a
	@mkdir -p $(@D)
	$(link) $^ $(archives) $(libs_qstat)

coverage-built: all $(apis) $(units) $(tools) $(killer) $(replays) $(if $(builtins_if_any),$(builtins) $(B)/bash/bin)

coverage-tests: coverage-built
	$(RM) $(B)/counts/*
	for r in $(replays); do timeout 60 $$r $(B)/inputs/$${r##*/}/* >/dev/null 2>&1; done; :
	-SRC='$(CURDIR)' BIN='$(bin)' CC='$(CC)' PROVE='$(PROVE)' EVERY=25 sh tests/run.sh \
		$(units) tests/*.bats
	-BIN='$(bin)' timeout 120 python3 -B tests/crash/damage.py >$(B)/damage.log
	-BIN='$(bin)' CRASH_SCALE=$(COVERAGE_SCALE) timeout 600 python3 -B \
		tests/crash/run.py memory lmdb >$(B)/crash.log
	-BIN='$(bin)' CRASH_SCALE=$(COVERAGE_SCALE) timeout 300 python3 -B \
		tests/crash/run.py error >>$(B)/crash.log

mutants: all $(apis) $(tools) $(killer)
	python3 -B tests/crash/mutants.py
	python3 -B tests/crash/power_mutants.py

bench: all $(tools) $(glibc_all) $(musl_if_any) $(builtins_if_any)
	SRC='$(CURDIR)' BIN='$(bin)' sh tests/bench/run.sh

lint:
	sh .ci/lint

completions: all
	for sh in bash zsh fish; do sh completions/generate.sh $$sh $(B) $(COMMANDS) || exit 1; done

# With DESTDIR and the directories in quotes: there may be blanks in them.
to = '$(DESTDIR)$(1)'

install: all
	$(INSTALL) -d $(call to,$(BINDIR)) $(call to,$(LIBDIR)/pkgconfig) $(call to,$(INCDIR))
	$(INSTALL) -m755 $(bins) $(call to,$(BINDIR))
	$(INSTALL) -m755 $(so) $(call to,$(LIBDIR))
	ln -sf $(notdir $(so)) $(call to,$(LIBDIR)/libq.so)
	$(INSTALL) -m644 $(archive) $(call to,$(LIBDIR))
	sed 's|@PREFIX@|$(PREFIX)|;s|@LIBDIR@|$(LIBDIR)|;s|@INCDIR@|$(INCDIR)|;s|@VERSION@|$(VERSION)|' \
		libq/libq.pc.in >$(call to,$(LIBDIR)/pkgconfig/libq.pc)
	chmod 644 $(call to,$(LIBDIR)/pkgconfig/libq.pc)
	$(INSTALL) -m644 libq/q.h $(call to,$(INCDIR))
	if [ -f $(builtins) ]; then $(INSTALL) -d $(call to,$(LIBDIR)/bash) && \
		$(INSTALL) -m644 $(builtins) $(call to,$(LIBDIR)/bash); fi
	for s in 1 3 5 7; do \
		$(INSTALL) -d $(call to,$(MANDIR))/man$$s && \
		$(INSTALL) -m644 man/*.$$s $(call to,$(MANDIR))/man$$s || exit 1; done
	$(INSTALL) -d $(call to,$(DATADIR)/bash-completion/completions) \
		$(call to,$(DATADIR)/zsh/site-functions) $(call to,$(DATADIR)/fish/vendor_completions.d)
	for c in $(COMMANDS); do \
		$(INSTALL) -m644 completions/qutils.bash $(call to,$(DATADIR)/bash-completion/completions)/$$c && \
		$(INSTALL) -m644 completions/qutils.fish $(call to,$(DATADIR)/fish/vendor_completions.d)/$$c.fish || exit 1; done
	$(INSTALL) -m644 completions/_qutils $(call to,$(DATADIR)/zsh/site-functions)

uninstall:
	cd $(call to,$(BINDIR)) && $(RM) $(COMMANDS)
	cd $(call to,$(LIBDIR)) && $(RM) $(notdir $(so)) libq.so libq.a pkgconfig/libq.pc
	$(RM) $(call to,$(INCDIR)/q.h) $(call to,$(LIBDIR)/bash/$(notdir $(builtins)))
	for p in $(notdir $(wildcard man/*.[1357])); do $(RM) $(call to,$(MANDIR))/man$${p##*.}/$$p; done
	for c in $(COMMANDS); do $(RM) $(call to,$(DATADIR)/bash-completion/completions)/$$c \
		$(call to,$(DATADIR)/fish/vendor_completions.d)/$$c.fish; done
	$(RM) $(call to,$(DATADIR)/zsh/site-functions/_qutils)

clean:
	$(RM) -r build build-*

.PHONY: all builtins builtins-test demo test fuzz fuzz-brief afl afl-fuzzers crash power damage model \
	tsan valgrind coverage coverage-built coverage-tests \
	mutants bench lint completions install uninstall clean
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
