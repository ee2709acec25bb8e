// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.plugin.Answer;
import dev.culvert.cni.conformance.plugin.Call;
import dev.culvert.cni.conformance.plugin.CniVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The environment: what is required, what may be in it, and what is refused. */
final class ParameterChecks {
  private static final long INVALID_ENVIRONMENT = 4;

  private ParameterChecks() {}

  static List<Check> all() {
    return List.of(
        Check.must(
            "env.unknown-command",
            Chapter.PARAMETERS,
            "a verb that does not exist is refused",
            trial -> Expect.refusal(unknownCommand(trial), "the verb FETCH")),
        Check.should(
            "env.unknown-command.code",
            Chapter.ERROR,
            "... with code 4",
            trial -> Expect.code(unknownCommand(trial), "the verb FETCH", INVALID_ENVIRONMENT)),
        Check.should(
            "env.no-command",
            Chapter.ERROR,
            "a call without CNI_COMMAND is refused with code 4",
            ParameterChecks::noCommand),
        Check.must(
            "env.missing",
            Chapter.PARAMETERS,
            "ADD, DEL and CHECK fail without one of the parameters that they require",
            ParameterChecks::missing),
        Check.should(
            "env.missing.code",
            Chapter.ERROR,
            "... with code 4, and the message names the parameter",
            ParameterChecks::missingCode),
        Check.should(
            "env.container-id",
            Chapter.PARAMETERS,
            "a CNI_CONTAINERID that starts with no letter or digit, or holds a slash, is refused with code 4",
            ParameterChecks::containerId),
        Check.must(
            "env.ifname",
            Chapter.PARAMETERS,
            "ADD fails for a CNI_IFNAME that no interface can have",
            trial -> badIfnames(trial, (answer, what) -> Expect.refusal(answer, what))),
        Check.should(
            "env.ifname.code",
            Chapter.ERROR,
            "... with code 4",
            trial ->
                badIfnames(
                    trial, (answer, what) -> Expect.code(answer, what, INVALID_ENVIRONMENT))),
        Check.must(
            "env.netns-missing",
            Chapter.PARAMETERS,
            "ADD fails where CNI_NETNS is not there, and leaves nothing on the host",
            ParameterChecks::netnsMissing),
        Check.must(
            "env.netns-file",
            Chapter.PARAMETERS,
            "ADD fails where CNI_NETNS is a file and no namespace",
            ParameterChecks::netnsFile),
        Check.should(
            "env.args",
            Chapter.PARAMETERS,
            "CNI_ARGS as Kubernetes' runtimes set it, with IgnoreUnknown=1, is no reason to fail",
            ParameterChecks::args),
        Check.should(
            "env.no-path",
            Chapter.ADD,
            "CNI_PATH is optional for ADD where no other plugin is called",
            ParameterChecks::noPath));
  }

  private static Answer unknownCommand(Trial trial) {
    return trial.send(trial.call("FETCH", trial.attachment(), Map.of()));
  }

  private static void noCommand(Trial trial) throws Failed {
    Call call = trial.call("ADD", trial.attachment(), Map.of()).without("CNI_COMMAND");
    Expect.code(trial.send(call), "a call without CNI_COMMAND", INVALID_ENVIRONMENT);
  }

  private record Gap(String verb, String variable, Answer answer) {
    String what() {
      return verb + " without " + variable;
    }
  }

  /** Each verb without each of what it requires. */
  private static List<Gap> gaps(Trial trial) throws Failed {
    Added added = trial.added();
    Attachment other = trial.attachment();
    trial.expectDelOf(other); // an ADD that should fail may not
    List<Gap> all = new ArrayList<>();
    for (String variable : List.of("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME")) {
      all.add(gap(trial, trial.call("ADD", other, Map.of()), variable));
      if (trial.version().isAtLeast(CniVersion.V0_4_0)) {
        all.add(
            gap(trial, trial.call("CHECK", added.attachment(), trial.previous(added)), variable));
      }
    }
    for (String variable : List.of("CNI_CONTAINERID", "CNI_IFNAME")) {
      all.add(gap(trial, trial.call("DEL", other, Map.of()), variable));
    }
    return all;
  }

  private static Gap gap(Trial trial, Call call, String variable) {
    return new Gap(call.command(), variable, trial.send(call.without(variable)));
  }

  private static void missing(Trial trial) throws Failed {
    for (Gap gap : gaps(trial)) {
      Expect.refusal(gap.answer(), gap.what());
    }
  }

  private static void missingCode(Trial trial) throws Failed {
    for (Gap gap : gaps(trial)) {
      Expect.code(gap.answer(), gap.what(), INVALID_ENVIRONMENT);
      Expect.that(
          gap.answer().words().contains(gap.variable()),
          "The message for "
              + gap.what()
              + " should name it, but "
              + gap.answer().describe()
              + ".");
    }
  }

  private static void containerId(Trial trial) throws Failed {
    Attachment attachment = trial.attachment();
    trial.expectDelOf(attachment);
    for (String id : List.of("-starts-with-a-hyphen", "has/a/slash", "../above")) {
      Call call = trial.call("ADD", attachment, Map.of()).with("CNI_CONTAINERID", id);
      Answer answer = trial.send(call);
      if (answer.succeeded()) {
        var _ = trial.send(trial.call("DEL", attachment, Map.of()).with("CNI_CONTAINERID", id));
      }
      Expect.code(answer, "the CNI_CONTAINERID \"" + id + "\"", INVALID_ENVIRONMENT);
    }
  }

  /** What is expected of the answer to one of several calls. */
  private interface Expectation {
    void of(Answer answer, String what) throws Failed;
  }

  private static void badIfnames(Trial trial, Expectation expectation) throws Failed {
    for (String ifname :
        List.of("sixteen-letters-", "with/slash", "with blank", "with:colon", "..")) {
      Attachment attachment = trial.attachment(trial.container(), ifname);
      Answer answer = trial.add(attachment);
      expectation.of(answer, "the CNI_IFNAME \"" + ifname + "\"");
    }
  }

  private static void netnsMissing(Trial trial) throws Failed {
    Attachment attachment = trial.attachment();
    trial.remove(attachment.container());
    Expect.refusal(trial.add(attachment), "ADD with a CNI_NETNS that is not there");
    Expect.success(trial.del(attachment), "DEL after an ADD without a namespace");
    trial.expectHostClean("After an ADD without a namespace and its DEL");
  }

  private static void netnsFile(Trial trial) throws Failed {
    Attachment attachment = trial.attachment();
    trial.expectDelOf(attachment);
    try {
      Path file = Files.createTempFile("confkit", ".netns");
      try {
        Call call = trial.call("ADD", attachment, Map.of()).with("CNI_NETNS", file.toString());
        Expect.refusal(trial.send(call), "ADD with a CNI_NETNS that is an ordinary file");
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void args(Trial trial) throws Failed {
    Attachment attachment = trial.attachment();
    trial.expectDelOf(attachment);
    String args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0";
    Call call = trial.call("ADD", attachment, Map.of()).with("CNI_ARGS", args);
    trial
        .added(attachment, trial.send(call), "ADD with CNI_ARGS \"" + args + "\"")
        .expectWhole("After ADD with CNI_ARGS");
  }

  private static void noPath(Trial trial) throws Failed, NotApplicable {
    if (trial.network().delegates()) {
      throw new NotApplicable("the configuration has an ipam plugin, which CNI_PATH finds");
    }
    Attachment attachment = trial.attachment();
    trial.expectDelOf(attachment);
    Call call = trial.call("ADD", attachment, Map.of()).without("CNI_PATH");
    var _ = trial.added(attachment, trial.send(call), "ADD without CNI_PATH");
  }
}
