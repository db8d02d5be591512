#!/usr/bin/env bash
# Compiles for other systems from Linux; runs Windows tests under Wine. `cargo xtask check` calls it.
#
#   cross.sh setup [TARGET...]             toolchains (all three when none is named)
#   cross.sh wine                          a Wine prefix for running Windows tests, and the programs they judge by
#   cross.sh check|test|clippy TARGET ...  cargo with that target, the rest of the line passed on
#   cross.sh run PROGRAM ...               a Windows program under Wine, with what tests need
#
# Targets: x86_64-pc-windows-gnu (check, test under Wine), aarch64-unknown-linux-gnu and aarch64-apple-darwin (check).
#
# Where rustup can fetch a target's standard library, it does. Where it cannot (no way to its server), Debian's rustc-web
# is unpacked beside (not installed: it conflicts with rustup) and the standard library is built once from rust-web-src;
# CROSS_STD=debian asks for that. Everything lies in .cross/. Safe to run again: what is done is skipped.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd -P)
D=$root/.cross
R=$D/sysroot
TARGETS=(x86_64-pc-windows-gnu aarch64-unknown-linux-gnu aarch64-apple-darwin)
say() { echo "[cross] $*" >&2; }
die() { say "$*"; exit 1; }

apt_install() { # only what is missing
  local want=() p
  for p; do dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q '^install ok installed' || want+=("$p"); done
  [ ${#want[@]} = 0 ] && return 0
  say "installing the system packages: ${want[*]}"
  local as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" bash "$root/packaging/xtask/apt-install.sh" "${want[@]}" >"$D/apt.log" 2>&1 \
    || { tail -20 "$D/apt.log" >&2; die "the package manager failed"; }
}

native_tools() { # the C compiler and linker for a target
  case $1 in
    x86_64-pc-windows-gnu) apt_install gcc-mingw-w64-x86-64-win32 nasm perl ;; # perl configures SQLCipher's OpenSSL
    aarch64-unknown-linux-gnu) apt_install gcc-aarch64-linux-gnu libc6-dev-arm64-cross libssl-dev ;;
    aarch64-apple-darwin) ;; # nothing of macOS can be had here: C sources are not compiled, a check links nothing
    *) die "no recipe for the target $1" ;;
  esac
}

# The standard library, rustup's way.
by_rustup() { [ "${CROSS_STD:-}" != debian ] && [ -e "$D/rustup/$1" ]; }
try_rustup() {
  by_rustup "$1" && return 0
  [ "${CROSS_STD:-}" != debian ] && command -v rustup >/dev/null || return 1
  timeout 60 rustup target add "$1" >"$D/rustup.log" 2>&1 || return 1
  mkdir -p "$D/rustup"; touch "$D/rustup/$1"
}

# The standard library, Debian's way: compiler and sources of one version.
unpack_rust() {
  [ -e "$R/.unpacked" ] && return 0
  apt-cache show rustc-web >/dev/null 2>&1 || apt_install debian-archive-keyring
  apt-cache show rustc-web >/dev/null 2>&1 || die "rustup cannot fetch the target, and this distribution has no rustc-web (Debian 12 has)"
  # names that carry a version are read from the dependencies: an update of rustc-web then needs no change here
  local std llvm git deps
  std=$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p' | head -1)
  llvm=$(apt-cache depends "$std" | sed -n 's/.*Depends: \(libllvm[0-9]*\)$/\1/p' | head -1)
  git=$(apt-cache depends cargo-web | sed -n 's/.*Depends: \(libgit2-[0-9.]*\)$/\1/p' | head -1)
  deps=$(apt-cache depends "$git" | sed -n 's/.*Depends: \(lib\(http-parser\|mbed\).*\)$/\1/p')
  [ -n "$std" ] && [ -n "$llvm" ] && [ -n "$git" ] || die "cannot find rustc-web's parts (std=$std llvm=$llvm git=$git)"
  rm -rf "$D/debs"; mkdir -p "$D/debs" "$R" "$D/bin"
  # shellcheck disable=SC2086
  (cd "$D/debs" && apt-get -qq download rustc-web cargo-web rust-web-clippy rust-web-src libstd-rust-web-dev "$std" "$llvm" "$git" $deps 2>/dev/null) \
    || die "the download of rustc-web failed"
  local f b
  for f in "$D"/debs/*.deb; do
    case ${f##*/} in
      rust-web-src_*) dpkg-deb --fsys-tarfile "$f" | tar -x -C "$R" --wildcards './usr/src/rustc-*/library/*' './usr/lib/rustlib/*' ;;
      *) dpkg-deb --fsys-tarfile "$f" | tar -x -C "$R" --exclude='./usr/share/*' ;;
    esac
  done
  rm -rf "$D/debs"
  for b in cargo rustc rustdoc cargo-clippy clippy-driver; do
    printf '#!/bin/sh\nexport LD_LIBRARY_PATH="%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\nexec "%s" "$@"\n' "$R/usr/lib/x86_64-linux-gnu" "$R/usr/bin/$b" >"$D/bin/$b"
    chmod +x "$D/bin/$b"
  done
  (own_toolchain && rustc -vV >&2) && touch "$R/.unpacked"
}

own_toolchain() { # this shell then uses the unpacked one; it must come first, clippy included
  unset RUSTUP_TOOLCHAIN RUSTC_WRAPPER RUSTFLAGS CARGO CARGO_BUILD_TARGET
  export PATH="$D/bin:$PATH" RUSTC="$D/bin/rustc" RUSTDOC="$D/bin/rustdoc"
}

build_std() {
  local t=$1 lib src b=$D/std-build o
  [ -e "$R/usr/lib/rustlib/$t/.done" ] && return 0
  [ "$(uname -m)" = x86_64 ] || die "rustup cannot fetch the target, and the way around it is for x86-64 machines"
  unpack_rust
  src=$R/usr/lib/rustlib/src/rust/library
  say "building the standard library for $t"
  mkdir -p "$b/src"; : >"$b/src/lib.rs"
  printf '[package]\nname="stdonly"\nversion="0.0.0"\nedition="2021"\n[lib]\npath="src/lib.rs"\n[workspace]\n' >"$b/Cargo.toml"
  (own_toolchain; export CARGO_TARGET_DIR=$b/target RUSTC_BOOTSTRAP=1
    cd "$b" && cargo --config "build.rustflags=[\"--remap-path-prefix=$(realpath "$src")=/rustc/library\"]" \
      build -q --release -Zbuild-std=std,panic_unwind,panic_abort,test --target "$t"
    lib=$R/usr/lib/rustlib/$t/lib; mkdir -p "$lib"; rm -f "$lib"/*.rlib
    cp "$b/target/$t/release/deps/"*.rlib "$lib/"; rm -f "$lib"/libstdonly-*
    case $t in *-windows-gnu) # start and end objects that the target's linker line names
      for o in rsbegin rsend; do rustc --target "$t" --emit=obj -O -o "$lib/$o.o" "$src/rtstartup/$o.rs"; done ;;
    esac
    touch "$R/usr/lib/rustlib/$t/.done")
  rm -rf "$b"
}

wine() {
  apt_install wine wine64 gcc-mingw-w64-x86-64-win32 g++-mingw-w64-x86-64-win32
  local w; w=$(dpkg -L wine64 | grep '/wine64$' | head -1)
  mkdir -p "$D/bin"
  cat >"$D/bin/run-windows" <<S
#!/bin/sh
unset LD_LIBRARY_PATH
export WINEPREFIX="$D/wine" WINEDEBUG="\${WINEDEBUG:--all}" WINEDLLOVERRIDES="mscoree=;mshtml="
export WINEPATH="$(windows_path "$D/windows-programs")" OPENSSL_WIN32_UTF8=1
export OPENSSL_CONF="$(windows_path "$D/windows-programs/openssl.cnf")"
exec "$w" "\$@"
S
  chmod +x "$D/bin/run-windows"
  windows_programs
  [ -e "$D/wine/.done" ] && return 0
  "$D/bin/run-windows" reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null 2>&1 || die "Wine did not start"
  # Debian 12's Wine 8.0 lacks bcryptprimitives.dll, which every Rust program imports. For tests only: never ship it.
  cat >"$D/bcp.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID buf, ULONG len);
BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) {
  while (n) { ULONG k = n > 0x10000000 ? 0x10000000 : (ULONG)n; if (!SystemFunction036(p, k)) return FALSE; p += k; n -= k; }
  return TRUE;
}
C
  printf 'LIBRARY bcryptprimitives.dll\nEXPORTS\n  ProcessPrng\n' >"$D/bcp.def"
  x86_64-w64-mingw32-gcc -shared -O2 -Wl,--enable-stdcall-fixup -o "$D/wine/drive_c/windows/system32/bcryptprimitives.dll" \
    "$D/bcp.c" "$D/bcp.def" -ladvapi32
  touch "$D/wine/.done"
}

windows_path() { local path=Z:$1; echo "${path//\//\\}"; }

# What tests judge by: they stand on the OpenSSL that the cache's crate has built for itself.
windows_programs() {
  [ ! -e "$D/windows-programs/openssl.exe" ] || return 0
  local t=x86_64-pc-windows-gnu built sources
  bash "$0" check "$t" -p certdesk-cache
  built=$(ls -dt "$D/target/$t/debug/build"/openssl-sys-*/out/openssl-build/install | head -1)
  sources=$(cargo metadata --format-version 1 --manifest-path "$root/Cargo.toml" | grep -o '"manifest_path":"[^"]*/openssl-src-[^"]*"' | cut -d'"' -f4)
  bash "$root/packaging/cross/windows-programs.sh" "$D/windows-programs" "${built%/install}" "${sources%/Cargo.toml}/openssl"
}

run_windows() {
  # what a test would otherwise ask cargo for, which is not to be had under Wine
  CERTDESK_FAULTY_MODULE=$(windows_path "$D/target/x86_64-pc-windows-gnu/debug/faulty_module.dll") exec "$D/bin/run-windows" "$@"
}

target_env() {
  case $1 in
    x86_64-pc-windows-gnu)
      [ ! -x "$D/bin/run-windows" ] || export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER="$D/bin/run-windows" ;;
    aarch64-unknown-linux-gnu)
      # a check links nothing, so this machine's own .pc files do for the window's libraries
      export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc PKG_CONFIG_ALLOW_CROSS=1
      # and this machine's OpenSSL headers for SQLCipher: they differ by word size alone
      mkdir -p "$D/openssl/openssl"
      ln -sf /usr/include/openssl/*.h "/usr/include/$(uname -m)-linux-gnu/openssl/"*.h "$D/openssl/openssl/"
      export AARCH64_UNKNOWN_LINUX_GNU_OPENSSL_INCLUDE_DIR=$D/openssl AARCH64_UNKNOWN_LINUX_GNU_OPENSSL_LIB_DIR=$D/openssl ;;
    aarch64-apple-darwin)
      # the stand-in archiver makes an empty library, which the cc crate then looks for
      mkdir -p "$D/bin"
      printf '#!/bin/sh\nfor a; do case "$a" in *.a) : >"$a" ;; esac; done\n' >"$D/bin/stub-ar"; chmod +x "$D/bin/stub-ar"
      export CC_aarch64_apple_darwin=true CXX_aarch64_apple_darwin=true AR_aarch64_apple_darwin="$D/bin/stub-ar" SDKROOT=/ ;;
  esac
}

verb=${1:-}; [ -n "$verb" ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 2; }
shift; mkdir -p "$D"
case $verb in
  setup)
    [ $# -gt 0 ] || set -- "${TARGETS[@]}"
    for t; do native_tools "$t"; try_rustup "$t" || build_std "$t"; done ;;
  wine) wine ;;
  check | test | clippy)
    t=${1:?which target?}; shift
    case $verb$t in check* | clippy* | testx86_64-pc-windows-gnu) ;; *) die "$t can be checked here, not run" ;; esac
    target_env "$t"
    # a folder of its own: another compiler would throw away what the usual one has built
    export CARGO_TARGET_DIR=$D/target CARGO_PROFILE_DEV_DEBUG=0
    if ! by_rustup "$t"; then
      [ -e "$R/usr/lib/rustlib/$t/.done" ] || die "run first: cross.sh setup $t"
      own_toolchain
    fi
    # `cargo test` builds no library for others to load
    [ "$verb" != test ] || cargo build --manifest-path "$root/Cargo.toml" --target "$t" -p faulty-module >&2
    exec cargo "$verb" --manifest-path "$root/Cargo.toml" --target "$t" "$@" ;;
  run) run_windows "$@" ;;
  *) die "unknown verb $verb" ;;
esac
