// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.plugin;

import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A version of the CNI specification, for example 1.0.0. */
public record CniVersion(int major, int minor, int patch) implements Comparable<CniVersion> {
  private static final Pattern SEMANTIC =
      Pattern.compile("(0|[1-9]\\d{0,5})\\.(0|[1-9]\\d{0,5})\\.(0|[1-9]\\d{0,5})");

  public static final CniVersion V0_3_1 = new CniVersion(0, 3, 1);

  /** Brought CHECK, and prevResult for DEL. */
  public static final CniVersion V0_4_0 = new CniVersion(0, 4, 0);

  /** Took the family out of each address. */
  public static final CniVersion V1_0_0 = new CniVersion(1, 0, 0);

  /** Brought GC and STATUS, and an interface's MTU. */
  public static final CniVersion V1_1_0 = new CniVersion(1, 1, 0);

  /** Those that the kit knows the results of, the oldest first. */
  public static final List<CniVersion> KNOWN = List.of(V0_3_1, V0_4_0, V1_0_0, V1_1_0);

  /**
   * @throws IllegalArgumentException for what is not three numbers
   */
  public static CniVersion parse(String text) {
    Matcher matcher = SEMANTIC.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is no version of the specification: write for example 1.0.0.");
    }
    return new CniVersion(
        Integer.parseInt(matcher.group(1)),
        Integer.parseInt(matcher.group(2)),
        Integer.parseInt(matcher.group(3)));
  }

  public boolean isAtLeast(CniVersion other) {
    return compareTo(other) >= 0;
  }

  @Override
  public int compareTo(CniVersion other) {
    return Comparator.comparingInt(CniVersion::major)
        .thenComparingInt(CniVersion::minor)
        .thenComparingInt(CniVersion::patch)
        .compare(this, other);
  }

  @Override
  public String toString() {
    return major + "." + minor + "." + patch;
  }
}
