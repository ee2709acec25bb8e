// SPDX-License-Identifier: Apache-2.0
package dev.culvert.cni.conformance.check;

import dev.culvert.cni.conformance.net.Cidr;
import dev.culvert.cni.conformance.plugin.Answer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Several containers at once, which runtimes may do. */
final class ParallelChecks {
  private ParallelChecks() {}

  static List<Check> all() {
    return List.of(
        Check.must(
                "parallel.add",
                Chapter.LIFECYCLE,
                "containers that come at once all succeed, and no two get one address",
                ParallelChecks::adds)
            .countingAddresses(),
        Check.must(
                "parallel.del",
                Chapter.LIFECYCLE,
                "containers that go at once all succeed, and nothing is left of them",
                ParallelChecks::dels)
            .countingAddresses(),
        Check.must(
                "parallel.mixed",
                Chapter.LIFECYCLE,
                "some come while others go: those that came are whole",
                ParallelChecks::mixed)
            .countingAddresses());
  }

  /** As many as were asked for and there are addresses for. */
  private static int number(Trial trial) {
    return Math.min(
        trial.stage().options().parallel(), trial.stage().capacity().orElse(Integer.MAX_VALUE));
  }

  private static void adds(Trial trial) throws Failed {
    for (Added added : addAtOnce(trial, attachments(trial, number(trial)))) {
      added.expectWhole("After ADDs at once");
    }
  }

  private static void dels(Trial trial) throws Failed {
    List<Added> all = addAtOnce(trial, attachments(trial, number(trial)));
    for (Answer answer :
        atOnce(all.stream().<Callable<Answer>>map(added -> () -> trial.del(added)).toList())) {
      Expect.success(answer, "one of " + all.size() + " DELs at once");
    }
    for (Added added : all) {
      Expect.that(
          added.attachment().nic().isEmpty(),
          "After " + all.size() + " DELs at once, an interface is still in its container.");
    }
    trial.expectHostClean("After " + all.size() + " DELs at once");
  }

  private static void mixed(Trial trial) throws Failed {
    int half = Math.max(1, number(trial) / 2);
    List<Added> leaving = addAtOnce(trial, attachments(trial, half));
    List<Attachment> coming = attachments(trial, half);
    List<Callable<Answer>> calls = new ArrayList<>();
    for (int i = 0; i < half; i++) {
      Added left = leaving.get(i);
      Attachment come = coming.get(i);
      calls.add(() -> trial.del(left));
      calls.add(() -> trial.add(come));
    }
    List<Answer> answers = atOnce(calls);
    List<Added> came = new ArrayList<>();
    for (int i = 0; i < half; i++) {
      Expect.success(answers.get(2 * i), "DEL while others come");
      came.add(trial.added(coming.get(i), answers.get(2 * i + 1), "ADD while others go"));
    }
    expectDistinct(came);
    for (Added added : came) {
      added.expectWhole("After ADD while others went");
    }
  }

  /** Namespaces are made before: the plugin's calls alone are at once. */
  private static List<Attachment> attachments(Trial trial, int number) {
    List<Attachment> all = new ArrayList<>();
    for (int i = 0; i < number; i++) {
      all.add(trial.attachment());
    }
    return all;
  }

  private static List<Added> addAtOnce(Trial trial, List<Attachment> attachments) throws Failed {
    List<Answer> answers =
        atOnce(
            attachments.stream()
                .<Callable<Answer>>map(attachment -> () -> trial.add(attachment))
                .toList());
    List<Added> all = new ArrayList<>();
    for (int i = 0; i < answers.size(); i++) {
      String what = "one of " + answers.size() + " ADDs at once";
      all.add(trial.added(attachments.get(i), answers.get(i), what));
    }
    expectDistinct(all);
    return all;
  }

  private static void expectDistinct(List<Added> all) throws Failed {
    Map<Cidr, Added> owners = new HashMap<>();
    for (Added added : all) {
      for (Cidr address : added.addresses()) {
        Expect.that(
            owners.put(address, added) == null,
            "ADDs at once should give different addresses, but two gave " + address + ".");
      }
    }
  }

  private static List<Answer> atOnce(List<Callable<Answer>> calls) {
    CountDownLatch start = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Answer>> futures = new ArrayList<>();
      for (Callable<Answer> call : calls) {
        futures.add(
            threads.submit(() -> {
              start.await();
              return call.call();
            }));
      }
      start.countDown();
      List<Answer> answers = new ArrayList<>();
      for (Future<Answer> future : futures) {
        answers.add(future.get());
      }
      return answers;
    } catch (ExecutionException | InterruptedException e) {
      throw new IllegalStateException("A call of the plugin could not be made.", e);
    }
  }
}
