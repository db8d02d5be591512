#!/usr/bin/env bash
# What tests judge by, for Windows: SoftHSM (a key without hardware), OpenSC's pkcs11-tool and pkcs11-spy, OpenSSL's command.
#
#   windows-programs.sh FOLDER OPENSSL SOURCES
#
# FOLDER gets the programs; OPENSSL is where openssl-sys has built OpenSSL for x86_64-pc-windows-gnu (`…/out/openssl-build`),
# SOURCES what it was built from. The sources of the first two are those of the distribution's own packages, fetched and
# checked by apt. For tests only: none of this ships.
set -euo pipefail
out=${1:?which folder?} openssl=${2:?which OpenSSL?} sources=${3:?from which sources?}
work=$out.work
say() { echo "[windows-programs] $*" >&2; }
die() { say "$*"; exit 1; }
cxx=x86_64-w64-mingw32-g++ cc=x86_64-w64-mingw32-gcc
jobs=$(nproc)

fetch() { # the source of a package, unpacked into a folder of that name
  local package=$1 place keys= key
  [ ! -e "$work/$package/README.md" ] || return 0
  # where apt has the package itself from: "500 http://… bookworm/main amd64 Packages"
  place=$(apt-cache policy "$package" | awk '$2 ~ /^http/ { split($3, at, "/"); print $2, at[1], at[2]; exit }')
  [ -n "$place" ] || die "apt knows no package $package"
  for key in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/ubuntu-archive-keyring.gpg; do
    [ ! -e "$key" ] || keys="${keys:+$keys,}$key"
  done
  mkdir -p "$work/apt/lists/partial" "$work/$package"
  echo "deb-src ${keys:+[signed-by=$keys]} $place" >"$work/apt/$package.list"
  local own=(-o "Dir::Etc::sourcelist=$work/apt/$package.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$work/apt/lists" -o APT::Sandbox::User=root)
  (cd "$work/apt" && apt-get -qq "${own[@]}" update && apt-get -qq "${own[@]}" source --tar-only "$package") \
    || die "the source of $package cannot be fetched"
  tar -x -C "$work/$package" --strip-components=1 -f "$work/apt/$package"_*.orig.tar.*
}

compile() { # the rest of the line are sources; objects go to the folder of that name, those that are there stay
  local to=$1; shift
  mkdir -p "$work/$to.o"
  printf '%s\n' "$@" | objects=$work/$to.o xargs -P "$jobs" -I{} sh -c \
    'object=$objects/$(basename "{}").o; [ -e "$object" ] || case {} in *.c) '"$cc"' '"$flags"' -c -o "$object" {} ;; *) '"$cxx"' -std=c++11 '"$flags"' -c -o "$object" {} ;; esac'
}

# Windows hands a program its arguments in the code page of the machine; labels are UTF-8. With `-Dmain=util_main`.
utf8_main() {
  cat >"$work/utf8-main.cpp" <<'C'
#include <windows.h>
#include <shellapi.h>
#include <vector>
#ifdef OF_C
extern "C"
#endif
int util_main(int argc, char *argv[]);
int main() {
  int count;
  wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
  std::vector<char *> given;
  for (int i = 0; i < count; i++) {
    int size = WideCharToMultiByte(CP_UTF8, 0, wide[i], -1, NULL, 0, NULL, NULL);
    given.push_back(new char[size]);
    WideCharToMultiByte(CP_UTF8, 0, wide[i], -1, given.back(), size, NULL, NULL);
  }
  given.push_back(NULL);
  return util_main(count, given.data());
}
C
  "$cxx" -O1 -c "$@" "$work/utf8-main.cpp" -o "$work/utf8-main.o"
}

softhsm() {
  [ ! -e "$out/softhsm2-util.exe" ] || return 0
  fetch softhsm2
  local s=$work/softhsm2/src part files=() folders=()
  # As CMake would write it on Windows.
  cat >"$work/softhsm2/config.h" <<'C'
#define WIN32_LEAN_AND_MEAN 1
#define _WIN32_WINNT 0x0600
#include <winsock2.h>
#include <windows.h>
#include <string.h>
#define HAVE_CXX11 1
#define HAVE_LOADLIBRARY 1
#define HAVE_STDLIB_H 1
#define HAVE_STRING_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_AES_KEY_WRAP 1
#define HAVE_AES_KEY_WRAP_PAD 1
#define WITH_AES_GCM 1
#define WITH_ECC 1
#define WITH_EDDSA 1
#define WITH_OPENSSL 1
#define WITH_RAW_PSS 1
#define CRYPTOKI_VISIBILITY 1
#define DEFAULT_LOG_LEVEL "INFO"
#define DEFAULT_OBJECTSTORE_BACKEND "file"
#define DEFAULT_PKCS11_LIB "softhsm2.dll"
#define DEFAULT_SOFTHSM2_CONF "softhsm2.conf"
#define DEFAULT_TOKENDIR "tokens"
#define MAX_PIN_LEN 255
#define MIN_PIN_LEN 4
#define PACKAGE "softhsm"
#define PACKAGE_NAME "SoftHSM"
#define PACKAGE_VERSION "2.6.1"
#define VERSION "2.6.1"
#define VERSION_MAJOR 2
#define VERSION_MINOR 6
C
  for part in . common crypto data_mgr handle_mgr object_store session_mgr slot_mgr win32; do
    folders+=("-I$s/lib/$part"); files+=("$s/lib/$part"/*.cpp)
  done
  mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -v '/Botan\|/DB[A-Z.]')
  say "compiling SoftHSM"
  flags="-w -O1 -I$work/softhsm2 -I$openssl/install/include ${folders[*]} -I$s/lib/pkcs11 -I$s/bin/common"
  compile softhsm "${files[@]}"
  local libraries=("$openssl"/install/lib*/libcrypto.a -lcrypt32 -lws2_32 -lgdi32 -ladvapi32 -luser32)
  "$cxx" -shared -static -o "$out/softhsm2.dll" "$work/softhsm.o"/*.o "${libraries[@]}"
  flags="$flags -Dmain=util_main"
  compile softhsm-util "$s"/bin/util/softhsm2-util{,-ossl}.cpp "$s"/bin/common/*.cpp "$s"/bin/win32/*.cpp
  utf8_main
  # the command has its own instances of what SoftHSM.cpp holds
  mapfile -t files < <(ls "$work/softhsm.o"/*.o | grep -v '/SoftHSM.cpp.o\|/main.cpp.o')
  "$cxx" -static -o "$out/softhsm2-util.exe" "$work/utf8-main.o" "$work/softhsm-util.o"/*.o "${files[@]}" "${libraries[@]}" -lshell32
}

opensc() {
  [ ! -e "$out/pkcs11-tool.exe" ] || return 0
  fetch opensc
  local s=$work/opensc/src
  cat >"$work/opensc/config.h" <<'C'
#define PACKAGE_NAME "OpenSC"
#define PACKAGE_VERSION "0"
#define OPENSC_VERSION_MAJOR 0
#define OPENSC_VERSION_MINOR 0
#define OPENSC_VERSION_FIX 0
#define OPENSC_FEATURES ""
#define OPENSC_SCM_REVISION ""
#define DEFAULT_PKCS11_PROVIDER "softhsm2.dll"
#define ENABLE_SHARED 1
#define PATH_MAX 260
#define _WIN32_WINNT 0x0600
#define HAVE_STRNLEN 1
#define HAVE_SYS_TIME_H 1
#define HAVE_STRINGS_H 1
#define HAVE_IO_H 1
C
  # pkcs11-tool shares a file with tools that talk to readers; it does not.
  cat >"$work/opensc/no-readers.c" <<'C'
#define NONE(name) int name(void) { return -1; }
NONE(sc_connect_card) NONE(sc_ctx_detect_readers) NONE(sc_ctx_get_reader) NONE(sc_ctx_get_reader_by_name)
NONE(sc_ctx_get_reader_count) NONE(sc_ctx_log_to_file) NONE(sc_disconnect_card)
NONE(sc_lock) NONE(sc_notify_close) NONE(sc_notify_init) NONE(sc_wait_for_event) NONE(sc_asn1_decode_algorithm_id)
NONE(sc_asn1_encode_algorithm_id)
C
  say "compiling pkcs11-tool and pkcs11-spy"
  flags="-w -O1 -DHAVE_CONFIG_H -I$work/opensc -I$s -I$s/common"
  compile opensc-spy "$s"/pkcs11/pkcs11-{spy,display}.c "$s"/common/{libpkcs11,libscdl,compat_strlcat,compat_strlcpy}.c
  "$cc" -shared -static -o "$out/pkcs11-spy.dll" "$work/opensc-spy.o"/*.o -lshlwapi -ladvapi32
  utf8_main -DOF_C
  flags="$flags -DENABLE_OPENSSL -Dmain=util_main -I$openssl/install/include"
  compile opensc-tool "$s"/tools/{pkcs11-tool,util}.c "$s"/libopensc/{asn1,errors,log,sc}.c "$work/opensc/no-readers.c" \
    "$s"/common/{libpkcs11,libscdl,compat_strlcat,compat_strlcpy,compat_getpass,compat_getopt,simclist}.c
  "$cxx" -static -o "$out/pkcs11-tool.exe" "$work/utf8-main.o" "$work/opensc-tool.o"/*.o "$openssl"/install/lib*/libcrypto.a \
    -lcrypt32 -lws2_32 -lgdi32 -ladvapi32 -luser32 -lshlwapi -lshell32
}

openssl() {
  [ ! -e "$out/openssl.exe" ] || return 0
  say "compiling OpenSSL's command"
  mkdir -p "$work/openssl"
  cp -R "$sources"/. "$work/openssl/"
  # The libraries are there (`-o`): only the command is made, configured as they were.
  (cd "$work/openssl" && ./Configure mingw64 --cross-compile-prefix=x86_64-w64-mingw32- no-shared no-module no-tests no-comp no-zlib no-quic no-docs \
    && make build_generated && cp "$openssl"/install/lib*/lib{crypto,ssl}.a . \
    && make -j "$jobs" -o libcrypto.a -o libssl.a apps/openssl.exe) >"$work/openssl.log" 2>&1 \
    || { tail -20 "$work/openssl.log" >&2; die "OpenSSL's command does not build"; }
  cp /etc/ssl/openssl.cnf "$out/"
  x86_64-w64-mingw32-strip -o "$out/openssl.exe" "$work/openssl/apps/openssl.exe"
}

mkdir -p "$out" "$work"
softhsm
opensc
openssl
rm -rf "$work"
