// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.plugin.Answer;
import dev.culvert.cni.conformance.plugin.Call;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** The configuration on standard input, and the form of errors. */
final class ConfigChecks {
  private static final long INCOMPATIBLE_VERSION = 1;
  private static final long NOT_DECODED = 6;
  private static final long INVALID_CONFIG = 7;
  private static final String FAR_VERSION = "99.0.0";

  private ConfigChecks() {}

  static List<Check> all() {
    return List.of(
        Check.must(
            "config.not-json",
            Chapter.ERRORS,
            "ADD fails where standard input holds no JSON, or nothing",
            trial -> {
              Expect.refusal(
                  withInput(trial, "{\"cniVersion\":"), "a configuration that ends early");
              Expect.refusal(withInput(trial, ""), "an empty configuration");
            }),
        Check.should(
            "config.not-json.code",
            Chapter.ERROR,
            "... with code 6",
            trial ->
                Expect.code(
                    withInput(trial, "{\"cniVersion\":"),
                    "a configuration that ends early",
                    NOT_DECODED)),
        Check.must(
            "config.version",
            Chapter.ERROR,
            "ADD and DEL fail in a version that VERSION does not list",
            trial -> {
              Expect.refusal(inFarVersion(trial, "ADD"), "ADD in version " + FAR_VERSION);
              Expect.refusal(inFarVersion(trial, "DEL"), "DEL in version " + FAR_VERSION);
            }),
        Check.should(
            "config.version.code",
            Chapter.ERROR,
            "... with code 1",
            trial ->
                Expect.code(
                    inFarVersion(trial, "ADD"),
                    "ADD in version " + FAR_VERSION,
                    INCOMPATIBLE_VERSION)),
        Check.should(
            "config.name",
            Chapter.REQUEST,
            "ADD fails with code 7 where the network's name is missing, or leads out of a folder",
            ConfigChecks::name),
        Check.should(
            "errors.form",
            Chapter.ERROR,
            "every error is one JSON object on stdout: cniVersion, a code other than 0, a message",
            ConfigChecks::form),
        Check.should(
            "errors.codes",
            Chapter.ERROR,
            "codes below 100 are used for what the specification gave them to",
            ConfigChecks::codes));
  }

  private static Answer withInput(Trial trial, String input) {
    Attachment attachment = trial.attachment();
    trial.expectDelOf(attachment);
    return trial.send(trial.call("ADD", attachment, Map.of()).withInput(input));
  }

  private static Answer inFarVersion(Trial trial, String verb) {
    Attachment attachment = trial.attachment();
    trial.expectDelOf(attachment);
    return trial.send(trial.call(verb, attachment, Map.of("cniVersion", FAR_VERSION)));
  }

  private static void name(Trial trial) throws Failed {
    for (String name : List.of("", "../above", "-hyphen")) {
      Attachment attachment = trial.attachment();
      Answer answer = trial.add(attachment, Map.of("name", name));
      if (answer.succeeded()) {
        var _ = trial.del(attachment, Map.of("name", name));
      }
      Expect.code(answer, "a network named \"" + name + "\"", INVALID_CONFIG);
    }
  }

  private record Refused(String what, Answer answer) {}

  /** Faults of every kind. */
  private static List<Refused> refused(Trial trial) throws Failed {
    Added added = trial.added();
    Call call = trial.call("ADD", added.attachment(), Map.of());
    Call elsewhere = call.with("CNI_NETNS", "/run/netns/confkit-nowhere");
    return List.of(
        new Refused("an unknown verb", trial.send(call.with("CNI_COMMAND", "FETCH"))),
        new Refused("ADD without CNI_IFNAME", trial.send(call.without("CNI_IFNAME"))),
        new Refused("no JSON", trial.send(call.withInput("]"))),
        new Refused("ADD of an interface that is there", trial.send(call)),
        new Refused("ADD without a namespace", trial.send(elsewhere.with("CNI_IFNAME", "eth1"))));
  }

  private static void form(Trial trial) throws Failed {
    for (Refused refused : refused(trial)) {
      Answer answer = refused.answer();
      Expect.refusal(answer, refused.what());
      try {
        Map<String, Object> error = answer.object();
        Expect.that(
            error.get("cniVersion") instanceof String version
                && version.matches("\\d+\\.\\d+\\.\\d+"),
            "The error for "
                + refused.what()
                + " should have a cniVersion, but "
                + answer.describe()
                + ".");
        Expect.that(
            answer.code().isPresent() && answer.code().getAsLong() > 0,
            "The error for "
                + refused.what()
                + " should have a code, but "
                + answer.describe()
                + ".");
        Expect.that(
            error.get("msg") instanceof String msg && !msg.isBlank(),
            "The error for "
                + refused.what()
                + " should have a msg, but "
                + answer.describe()
                + ".");
      } catch (IOException e) {
        throw new Failed(
            "The error for "
                + refused.what()
                + " should be JSON on stdout, but "
                + answer.describe()
                + ".");
      }
    }
  }

  private static void codes(Trial trial) throws Failed {
    for (Refused refused : refused(trial)) {
      long code = refused.answer().code().orElse(100);
      boolean reserved = code >= 0 && code < 100;
      Expect.that(
          !reserved || (code >= 1 && code <= 7) || code == 11,
          "The error for "
              + refused.what()
              + " should have a code that fits, but "
              + refused.answer().describe()
              + ".");
    }
  }
}
