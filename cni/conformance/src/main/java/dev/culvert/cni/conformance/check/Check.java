// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.plugin.CniVersion;

/**
 * One thing that the specification asks of a plugin.
 *
 * @param id for example {@code del.twice}
 * @param sentence what is asked, in our words
 * @param eachVersion whether it is tried in every version, or in the newest alone
 * @param since the first version that has what it is about
 * @param counting whether it wants to know how many addresses there are, which takes a while
 */
public record Check(
    String id,
    Level level,
    Chapter chapter,
    String sentence,
    boolean eachVersion,
    CniVersion since,
    boolean counting,
    Body body) {

  /** What is done and judged. It ends without an exception where the plugin is right. */
  @FunctionalInterface
  public interface Body {
    /**
     * @throws Failed where the plugin is wrong
     * @throws NotApplicable where the question does not arise
     */
    void run(Trial trial) throws Failed, NotApplicable;
  }

  static Check must(String id, Chapter chapter, String sentence, Body body) {
    return new Check(id, Level.MUST, chapter, sentence, false, CniVersion.V0_3_1, false, body);
  }

  static Check should(String id, Chapter chapter, String sentence, Body body) {
    return new Check(id, Level.SHOULD, chapter, sentence, false, CniVersion.V0_3_1, false, body);
  }

  Check inEachVersion() {
    return new Check(id, level, chapter, sentence, true, since, counting, body);
  }

  Check since(CniVersion version) {
    return new Check(id, level, chapter, sentence, eachVersion, version, counting, body);
  }

  Check countingAddresses() {
    return new Check(id, level, chapter, sentence, eachVersion, since, true, body);
  }
}
