# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A tar.gz to install Culvert from. To be sourced after common.sh and build.sh.

dist_command() {
  local with_runtime='' name folder
  case ${1:-} in
    --runtime) with_runtime=yes ;;
    '') ;;
    *) die "\"dist\" takes --runtime and nothing else." ;;
  esac
  require_jdk
  build_if_needed agent
  name=$(basename "$(built_jar agent)" .jar)
  name=culvert${name#culvert-agent}
  folder=$(mktemp -d)
  fill_dist "$folder/$name"
  if [ -n "$with_runtime" ]; then
    link_runtime "$folder/$name/runtime"
    name+=-$(uname -m)
    mv "$folder/${name%-*}" "$folder/$name"
    add_class_cache "$folder/$name"
  fi
  mkdir -p "$ROOT/target"
  pack_dist "$folder" "$name" "$ROOT/target/$name.tar.gz"
  rm -rf "$folder"
  printf '%s\n' "$ROOT/target/$name.tar.gz"
}

fill_dist() {
  local to=$1
  mkdir -p "$to"/bin "$to"/lib "$to"/libexec
  install -m 755 "$ROOT/scripts/installed-culvert" "$to/bin/culvert"
  install -m 644 "$ROOT/scripts/java.sh" "$to/libexec/java.sh"
  install -m 755 "$ROOT/scripts/make-class-cache" "$to/libexec/make-class-cache"
  # The agent's manifest names its libraries as lib/NAME, relative to itself.
  install -m 644 "$(built_jar agent)" "$to/lib/culvert-agent.jar"
  install -m 644 "$(class_list "$(built_jar agent)")" "$to/lib/culvert-agent.classes"
  cp -r "$ROOT/agent/target/lib" "$to/lib/lib"
  cp -r "$ROOT"/LICENSE "$ROOT"/LICENSES "$ROOT"/README.md "$ROOT"/CHANGELOG.md "$to"
  cp "$ROOT/agent/src/main/config/culvert.yaml" "$to/culvert.example.yaml"
  cp "$ROOT/scripts/culvert.service" "$to/culvert.service"
}

# A Java runtime of just the modules that Culvert uses, about 50 MB: the machine needs no Java then. It has no class-data archives of
# its own: the class cache holds Java's classes too.
link_runtime() {
  local to=$1 modules
  modules=$(runtime_modules)
  say "Linking a Java runtime of the modules $modules"
  "$JAVA_HOME/bin/jlink" --add-modules "$modules" --strip-debug --no-header-files --no-man-pages --compress zip-6 \
    --output "$to" >/dev/null
}

# What our own classes need, and java.logging for the YAML parser. Libraries could use more (picocli: java.sql), but only for
# features that we do not use.
runtime_modules() {
  local ours
  ours=$("$JAVA_HOME/bin/jdeps" --ignore-missing-deps --multi-release base --print-module-deps \
    "$(built_jar agent)" "$ROOT"/agent/target/lib/culvert-*.jar | tail -n 1)
  printf '%s,java.logging\n' "$ours"
}

# By the very runtime that will use it. It holds the times of jars and modules, which are those that the archive gives them.
add_class_cache() {
  local jar=$1/lib/culvert-agent.jar
  find "$1" -exec touch -d @0 {} +
  make_class_cache "$1/runtime" "$jar"
  [ -f "$(class_cache "$1/runtime" "$jar")" ] || die "the linked runtime made no class cache."
}

# The same bytes from the same content: names in order, no times, no owners, nobody's umask.
pack_dist() {
  tar -C "$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u+rw,go-w,a+rX -cf - "$2" | gzip -9n >"$3"
}
