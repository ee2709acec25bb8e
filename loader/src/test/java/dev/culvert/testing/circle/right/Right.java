// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing.circle.right;

import dev.culvert.testing.circle.below.Below;
import dev.culvert.testing.circle.left.Left;

/** Knows Left, which knows it. */
public record Right(Left left, Below below) {}
