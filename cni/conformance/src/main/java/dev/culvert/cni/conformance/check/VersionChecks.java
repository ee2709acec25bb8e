// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.plugin.Answer;
import dev.culvert.cni.conformance.plugin.Call;
import dev.culvert.cni.conformance.plugin.CniVersion;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** VERSION: what the plugin speaks. Its configuration is a version and nothing else. */
final class VersionChecks {
  private VersionChecks() {}

  static List<Check> all() {
    return List.of(
        Check.must(
            "version.answers",
            Chapter.VERSION,
            "VERSION needs no name, no container and no network; it lists the versions spoken",
            VersionChecks::answers),
        Check.must(
            "version.echo",
            Chapter.VERSION_SUCCESS,
            "the cniVersion of VERSION's answer is the one that was asked with",
            VersionChecks::echoes));
  }

  private static Map<String, Object> ask(Trial trial, CniVersion version) throws Failed {
    Answer answer = trial.send(Call.of("VERSION", Map.of("cniVersion", version.toString())));
    Expect.success(answer, "VERSION");
    try {
      return answer.object();
    } catch (IOException e) {
      throw new Failed("VERSION should answer with JSON, but wrote " + e.getMessage() + ".");
    }
  }

  private static void answers(Trial trial) throws Failed {
    Object listed = ask(trial, trial.version()).get("supportedVersions");
    Expect.that(
        listed instanceof List<?> list && !list.isEmpty(),
        "VERSION should list supportedVersions, but there it has " + listed + ".");
    Set<CniVersion> seen = new HashSet<>();
    for (Object element : (List<?>) listed) {
      try {
        boolean first = seen.add(CniVersion.parse(String.valueOf(element)));
        Expect.that(first, "supportedVersions should name a version once, but has " + listed + ".");
      } catch (IllegalArgumentException e) {
        throw new Failed("supportedVersions should be versions, but has \"" + element + "\".");
      }
    }
  }

  private static void echoes(Trial trial) throws Failed {
    // Two questions: whoever always names the newest is right by chance in one of them.
    for (CniVersion version : List.of(CniVersion.V0_4_0, trial.version())) {
      Expect.equal(
          version.toString(),
          ask(trial, version).get("cniVersion"),
          "cniVersion of the answer to VERSION in " + version);
    }
  }
}
