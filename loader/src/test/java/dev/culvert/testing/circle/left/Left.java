// SPDX-License-Identifier: Apache-2.0
package dev.culvert.testing.circle.left;

import dev.culvert.testing.circle.below.Below;
import dev.culvert.testing.circle.right.Right;

/** Knows Right, which knows it. */
public record Left(Right right, Below below) {}
