// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Namespace;
import dev.culvert.cni.conformance.plugin.AddResult;
import dev.culvert.cni.conformance.plugin.Answer;
import dev.culvert.cni.conformance.plugin.Call;
import dev.culvert.cni.conformance.plugin.CniVersion;
import dev.culvert.cni.conformance.plugin.NetworkConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One check being run, in one version: a runtime that calls the plugin. What it added is deleted
 * again, and its containers go, however it ends. Safe for use by several threads.
 */
public final class Trial implements AutoCloseable {
  static final String IFNAME = "eth0";

  private final Stage stage;
  private final CniVersion version;
  private final Map<Attachment, Map<String, Object>> open = new LinkedHashMap<>();
  private final Set<Container> containers = new LinkedHashSet<>();

  Trial(Stage stage, CniVersion version) {
    this.stage = stage;
    this.version = version;
  }

  Stage stage() {
    return stage;
  }

  CniVersion version() {
    return version;
  }

  NetworkConfig network() {
    return stage.options().network();
  }

  /** A new one with a network namespace of its own. */
  Container container() {
    Container container = new Container(stage.newId(), stage.namespaces().create());
    synchronized (this) {
      containers.add(container);
    }
    return container;
  }

  /** The runtime takes the container's namespace away. */
  void remove(Container container) {
    stage.namespaces().remove(container.namespace());
  }

  /** A new container's, by the usual interface. */
  Attachment attachment() {
    return attachment(container(), IFNAME);
  }

  /** A new container's in another network. */
  Attachment attachment(NetworkConfig network) {
    return new Attachment(container(), IFNAME, network);
  }

  Attachment attachment(Container container, String ifname) {
    return new Attachment(container, ifname, network());
  }

  /** A call with all parameters that a runtime gives, and additions to the configuration. */
  Call call(String command, Attachment attachment, Map<String, ?> more) {
    Map<String, Object> request = attachment.network().request(version);
    request.putAll(more);
    return Call.of(command, request)
        .with("CNI_CONTAINERID", attachment.container().id())
        .with("CNI_NETNS", attachment.container().namespace().path())
        .with("CNI_IFNAME", attachment.ifname())
        .with("CNI_PATH", stage.plugin().cniPath());
  }

  /** A call that is about no attachment: GC, STATUS. */
  Call call(String command, Map<String, ?> more) {
    Map<String, Object> request = network().request(version);
    request.putAll(more);
    return Call.of(command, request).with("CNI_PATH", stage.plugin().cniPath());
  }

  Answer send(Call call) {
    return stage.plugin().call(call);
  }

  /** An ADD that may fail. It is deleted when the trial ends. */
  Answer add(Attachment attachment) {
    return add(attachment, Map.of());
  }

  Answer add(Attachment attachment, Map<String, ?> more) {
    expectDelOf(attachment);
    return send(call("ADD", attachment, more));
  }

  /** There will be something to delete: for an ADD that is called otherwise. */
  synchronized void expectDelOf(Attachment attachment) {
    open.putIfAbsent(attachment, Map.of());
  }

  /** A new container, added. */
  Added added() throws Failed {
    return added(attachment());
  }

  Added added(Attachment attachment) throws Failed {
    return added(attachment, Map.of());
  }

  Added added(Attachment attachment, Map<String, ?> more) throws Failed {
    return added(attachment, add(attachment, more), "ADD");
  }

  Added added(Attachment attachment, Answer answer, String what) throws Failed {
    Expect.success(answer, what);
    try {
      Map<String, Object> raw = answer.object();
      AddResult result = AddResult.read(raw);
      synchronized (this) {
        open.put(attachment, raw);
      }
      return new Added(attachment, result);
    } catch (IOException e) {
      throw new Failed(
          what + " should write its result to stdout, but wrote " + e.getMessage() + ".");
    } catch (IllegalArgumentException e) {
      throw new Failed(what + " should write a result, but in it " + e.getMessage() + ".");
    }
  }

  /** The additions that DEL and CHECK get of what ADD said. */
  Map<String, ?> previous(Added added) {
    return Map.of("prevResult", added.result().raw());
  }

  Answer del(Added added) {
    return del(
        added.attachment(), version.isAtLeast(CniVersion.V0_4_0) ? previous(added) : Map.of());
  }

  Answer del(Attachment attachment) {
    return del(attachment, Map.of());
  }

  Answer del(Attachment attachment, Map<String, ?> more) {
    return deleted(attachment, send(call("DEL", attachment, more)));
  }

  /** Notes that an attachment needs no DEL any more, if this one succeeded. */
  synchronized Answer deleted(Attachment attachment, Answer answer) {
    if (answer.succeeded()) {
      open.remove(attachment);
    }
    return answer;
  }

  Answer check(Added added) {
    return send(call("CHECK", added.attachment(), previous(added)));
  }

  /** On the host nothing may be but what the plugin keeps between attachments, and {@code more}. */
  void expectHostClean(String when) throws Failed {
    Set<String> expected = stage.kept();
    Set<String> seen = stage.host().awaitNames(expected);
    Set<String> left = new LinkedHashSet<>(seen);
    left.removeAll(expected);
    Expect.that(
        left.isEmpty(),
        when + ", no interface of it should be left on the host, but there is " + left + ".");
  }

  Namespace host() {
    return stage.host();
  }

  /** What is still to be deleted. */
  private synchronized List<Map.Entry<Attachment, Map<String, Object>>> remaining() {
    return new ArrayList<>(open.entrySet());
  }

  @Override
  public void close() {
    try {
      for (var entry : remaining()) {
        Map<String, Object> result = entry.getValue();
        var _ = del(entry.getKey(), result.isEmpty() ? Map.of() : Map.of("prevResult", result));
      }
    } finally {
      Set<Container> all;
      synchronized (this) {
        all = new LinkedHashSet<>(containers);
      }
      all.forEach(this::remove);
    }
  }
}
