# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Finding a Java that runs Culvert. To be sourced, by the source tree's scripts and by an installed Culvert alike.

# The FFM API is final since 22; pom.xml (maven.compiler.release) says the same.
readonly JAVA_MIN=22

# The feature release of a Java folder (25 for 25.0.1), or 0. Reads its "release" file: no JVM is started, nor anything else,
# since each start of Culvert asks it.
java_release() {
  local text=''
  [ ! -r "$1/release" ] || read -r -d '' text <"$1/release" || true
  [[ $text =~ JAVA_VERSION=\"([0-9]+) ]] && printf '%s\n' "${BASH_REMATCH[1]}" || echo 0
}

# usable_java TOOL FOLDER: whether the folder holds a new enough Java with that tool.
usable_java() { [ -x "$2/bin/$1" ] && [ -x "$2/bin/java" ] && [ "$(java_release "$2")" -ge "$JAVA_MIN" ]; }

java_on_path() {
  local tool
  tool=$(readlink -f "$(command -v "$1")") && printf '%s\n' "${tool%/bin/"$1"}"
}

# Long-term releases come every two years since 17: 21, 25, 29...
is_long_term() { [ $((($1 - 17) % 4)) -eq 0 ]; }

# Where distributions and people put Java. A test sets other folders.
[ -n "${JAVA_FOLDERS+set}" ] ||
  JAVA_FOLDERS=(/usr/lib/jvm/* /opt/* "${HOME:-/root}"/.sdkman/candidates/java/* "${HOME:-/root}"/.jdks/*)

# find_java java|javac: prints the folder of the Java to use: the user's choice (JAVA_HOME, PATH) when it is new enough, else
# the newest long-term release, else the newest. Fails when there is none.
find_java() {
  local tool=$1 home rank best='' best_rank=0
  for home in "${JAVA_HOME:-}" "$(java_on_path "$tool")"; do
    usable_java "$tool" "$home" && printf '%s\n' "$home" && return
  done
  for home in "${JAVA_FOLDERS[@]}"; do
    usable_java "$tool" "$home" || continue
    rank=$(java_release "$home")
    is_long_term "$rank" && rank=$((rank + 1000))
    [ "$rank" -gt "$best_rank" ] && best=$home best_rank=$rank
  done
  [ -n "$best" ] && printf '%s\n' "$best"
}

# installed_java FOLDER: the Java of an installed Culvert, which is the runtime beside it, or the machine's.
installed_java() {
  if [ -x "$1/runtime/bin/java" ]; then
    printf '%s\n' "$1/runtime"
  elif ! find_java java; then
    echo "culvert: no Java $JAVA_MIN or later is in JAVA_HOME, PATH, /usr/lib/jvm or /opt: install one, e.g. from Adoptium, and set JAVA_HOME." >&2
    return 1
  fi
}

# Sets JAVA_FLAGS. The serial collector and the first compiler alone take a third of the CPU time off a short command ("doctor":
# 0.75 instead of 1.1 s JDK 25). The agent waits nearly all of its time, so they suit it too.
# But for one that carries the packets itself. The heap begins small, since what it once had is not given back, and may become that of
# an agent of 65,000 subnets, with room; one that needs more is at fault, and ends rather than go on without some of its threads.
java_flags() {
  # shellcheck disable=SC2034 # for who sources this
  JAVA_FLAGS=(-XX:+UseSerialGC -Xms16m -Xmx512m -XX:+ExitOnOutOfMemoryError)
  carries_packets "$@" || JAVA_FLAGS+=(-XX:TieredStopAtLevel=1)
}

# What the JVM reads classes from instead of loading them one by one: a class-data archive of Java's classes and ours. One that does
# not fit the JVM or the jars (a newer build, another JDK) is passed over by the JVM. Not an AOT cache (JDK 25): that is no faster
# here, and its bytes differ each time.
#
# class_cache JAVA_HOME JAR: the file's path; the JDK's release is in its name.
class_cache() { printf '%s.%s\n' "${2%.jar}" "jdk$(java_release "$1").cache"; }

# class_cache_flags JAVA_HOME JAR: adds to JAVA_FLAGS what uses the cache, where it is there.
class_cache_flags() {
  local cache
  cache=$(class_cache "$1" "$2")
  [ -r "$cache" ] || return 0
  JAVA_FLAGS+=(-Xlog:disable "-XX:SharedArchiveFile=$cache") # else a cache that does not fit is complained of
}

# exec_culvert JAVA_HOME CLASSES ARGUMENT...: becomes Culvert. Its classes are a jar that names its libraries, or a class path.
exec_culvert() {
  local home=$1 classes=$2 start
  shift 2
  java_flags "$@"
  class_cache_flags "$home" "$classes"
  start=(--enable-native-access=ALL-UNNAMED -cp "$classes" dev.culvert.agent.cli.Main)
  [ ! -f "$classes" ] || start=(-jar "$classes")
  exec "$home/bin/java" "${JAVA_FLAGS[@]}" "${start[@]}" "$@"
}

# class_list JAR: the file that names the classes to put into its cache.
class_list() { printf '%s\n' "${1%.jar}.classes"; }

# make_class_cache JAVA_HOME JAR: of what the list beside the jar names. The same list, jars and JVM give the same bytes, wherever they
# are. A cache that cannot be made is none: everything works without.
make_class_cache() {
  local cache folder jar
  cache=$(class_cache "$1" "$2")
  folder=$(dirname "$2")
  # A path from the folder above: it must not tell where that is, and a name alone is looked for where the JVM starts (JDK 25).
  jar=$(basename "$folder")/$(basename "$2")
  rm -f "$cache"
  (cd "$folder/.." && timeout 120 "$1/bin/java" -XX:+UseSerialGC -Xlog:disable -Xshare:dump \
    "-XX:SharedClassListFile=$(class_list "$jar")" "-XX:SharedArchiveFile=$cache.new" -jar "$jar") >/dev/null 2>&1 || true
  [ ! -f "$cache.new" ] || mv "$cache.new" "$cache"
}

# carries_packets ARGUMENT...: whether this is "agent --config FILE" with a FILE that says "datapath: userspace".
carries_packets() {
  [ "${1:-}" = agent ] || return 1
  local argument file=''
  for argument in "$@"; do
    [ "$file" = next ] && file=$argument
    case $argument in
      --config) file=next ;;
      --config=*) file=${argument#--config=} ;;
    esac
  done
  grep -Eqs "^datapath:[[:space:]]*[\"']?userspace" "$file"
}
