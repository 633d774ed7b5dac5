#include "cli/cluster/fix_plan.h"

#include <gtest/gtest.h>

#include "cli/cluster/test_nodes.h"

namespace ashlar::cli::cluster {
namespace {

using test::id_of;
using test::range;

const NodeId kA = id_of('a');
const NodeId kB = id_of('b');
const NodeId kC = id_of('c');

using Steps = std::vector<FixStep>;

SlotView view(const NodeId& node, std::uint64_t keys) {
  return {.node = node, .owns = false, .migrating_to = {}, .importing_from = {}, .keys = keys, .config_epoch = 1};
}
SlotView owner(const NodeId& node, std::uint64_t keys) {
  SlotView out = view(node, keys);
  out.owns = true;
  return out;
}
SlotView importer(const NodeId& node, std::uint64_t keys, const NodeId& from) {
  SlotView out = view(node, keys);
  out.importing_from = from;
  return out;
}

FixPlan plan_of(std::vector<SlotView> views) { return *plan_slot_fix(views); }

TEST(PlanSlotFix, LeavesAHealthySlotAlone) {
  const FixPlan plan = plan_of({owner(kA, 3), view(kB, 0)});
  EXPECT_EQ(plan.kind, FixCase::kNothing);
  EXPECT_TRUE(plan.steps.empty());
  EXPECT_FALSE(plan.owner_chosen);
}

TEST(PlanSlotFix, FinishesAMoveThatWasCutShort) {
  SlotView a = owner(kA, 3);
  a.migrating_to = kB;
  const FixPlan plan = plan_of({a, importer(kB, 1, kA), view(kC, 0)});
  EXPECT_EQ(plan.kind, FixCase::kFinishMove);
  EXPECT_EQ(plan.steps, (Steps{{FixAction::kMoveSlot, kA, kB}}));
}

TEST(PlanSlotFix, FinishesTheMoveWhenTheTargetHasKeysButLostItsMark) {
  SlotView a = owner(kA, 3);
  a.migrating_to = kB;
  const FixPlan plan = plan_of({a, view(kB, 2)});
  EXPECT_EQ(plan.kind, FixCase::kFinishMove);
  EXPECT_EQ(plan.stray, (std::vector{kB}));
  EXPECT_EQ(plan.steps, (Steps{{FixAction::kMarkImporting, kB, kA}, {FixAction::kMoveSlot, kA, kB}}));
}

TEST(PlanSlotFix, ReturnsKeysOfImportingNodesToTheOwner) {
  const FixPlan plan = plan_of({importer(kB, 2, kA), owner(kA, 0), importer(kC, 0, kA)});
  EXPECT_EQ(plan.kind, FixCase::kReturnKeys);
  EXPECT_EQ(plan.steps, (Steps{{FixAction::kMoveKeys, kB, kA},
                               {FixAction::kClose, kB, {}},
                               {FixAction::kMoveKeys, kC, kA},
                               {FixAction::kClose, kC, {}}}));
}

TEST(PlanSlotFix, MarksStrayKeysBeforeItFetchesThem) {
  const FixPlan plan = plan_of({owner(kA, 0), view(kB, 2)});
  EXPECT_EQ(plan.kind, FixCase::kReturnKeys);
  EXPECT_EQ(plan.steps,
            (Steps{{FixAction::kMarkImporting, kB, kA}, {FixAction::kMoveKeys, kB, kA}, {FixAction::kClose, kB, {}}}));
}

TEST(PlanSlotFix, ClosesASlotThatNobodyImports) {
  SlotView a = owner(kA, 3);
  a.migrating_to = kB;
  const FixPlan plan = plan_of({a, view(kB, 0)});
  EXPECT_EQ(plan.kind, FixCase::kClose);
  EXPECT_EQ(plan.steps, (Steps{{FixAction::kClose, kA, {}}}));
}

TEST(PlanSlotFix, GathersKeysAtTheTargetOfTheMove) {
  SlotView a = owner(kA, 3);
  a.migrating_to = kC;
  const FixPlan plan = plan_of({a, importer(kB, 1, kA), importer(kC, 1, kA)});
  EXPECT_EQ(plan.kind, FixCase::kManyImport);
  EXPECT_EQ(plan.steps,
            (Steps{{FixAction::kMoveSlot, kA, kC}, {FixAction::kMoveKeys, kB, kC}, {FixAction::kClose, kB, {}}}));
}

TEST(PlanSlotFix, GathersKeysAtTheOwnerWhenTheTargetDoesNotImport) {
  const NodeId elsewhere = id_of('d');
  SlotView a = owner(kA, 3);
  a.migrating_to = elsewhere;
  const FixPlan plan = plan_of({a, importer(kB, 1, kA), importer(kC, 1, kA)});
  EXPECT_EQ(plan.steps, (Steps{{FixAction::kClose, kA, {}},
                               {FixAction::kMoveKeys, kB, kA},
                               {FixAction::kClose, kB, {}},
                               {FixAction::kMoveKeys, kC, kA},
                               {FixAction::kClose, kC, {}}}));
}

TEST(PlanSlotFix, ChoosesTheNodeWithMostKeysWhenNobodyOwns) {
  const FixPlan plan = plan_of({view(kA, 1), view(kB, 5), view(kC, 0)});
  EXPECT_TRUE(plan.owner_chosen);
  EXPECT_EQ(plan.owner, kB);
  EXPECT_EQ(plan.steps, (Steps{{FixAction::kMarkImporting, kA, kB},
                               {FixAction::kClaim, kB, {}},
                               {FixAction::kMoveKeys, kA, kB},
                               {FixAction::kClose, kA, {}}}));
}

TEST(PlanSlotFix, TellsImportingNodesOfAnOwnerThatWasChosen) {
  const FixPlan plan = plan_of({view(kA, 5), importer(kB, 1, kC)});
  EXPECT_EQ(plan.owner, kA);
  EXPECT_EQ(plan.steps, (Steps{{FixAction::kMarkImporting, kB, kA},
                               {FixAction::kClaim, kA, {}},
                               {FixAction::kMoveKeys, kB, kA},
                               {FixAction::kClose, kB, {}}}));
}

TEST(PlanSlotFix, LetsAllOthersLetGoBeforeOneOfSeveralOwnersClaims) {
  SlotView c = owner(kC, 2);
  c.config_epoch = 9;
  const FixPlan plan = plan_of({owner(kA, 2), view(kB, 100), c});
  EXPECT_EQ(plan.owner, kC);  // keys of non-owners do not count; equal keys: the higher epoch
  EXPECT_EQ(plan.steps, (Steps{{FixAction::kDisown, kA, {}},
                               {FixAction::kMarkImporting, kA, kC},
                               {FixAction::kMarkImporting, kB, kC},
                               {FixAction::kClaim, kC, {}},
                               {FixAction::kMoveKeys, kA, kC},
                               {FixAction::kClose, kA, {}},
                               {FixAction::kMoveKeys, kB, kC},
                               {FixAction::kClose, kB, {}}}));
}

TEST(PlanSlotFix, NeedsAMaster) { EXPECT_EQ(plan_slot_fix({}).error().code, ErrorCode::kNotFound); }

TEST(PlanCover, SharesConsecutivePiecesStartingWithTheEmptiest) {
  SlotSet uncovered;
  uncovered.add(range(10, 16));
  const std::vector<Candidate> candidates = {{kA, 100}, {kB, 0}, {kC, 50}};
  const auto covers = plan_cover(uncovered, candidates);
  ASSERT_TRUE(covers);
  ASSERT_EQ(covers->size(), 3U);
  EXPECT_EQ((*covers)[0].node, kB);
  EXPECT_EQ((*covers)[0].slots.table_text(), "[10-12]");
  EXPECT_EQ((*covers)[1].node, kC);
  EXPECT_EQ((*covers)[1].slots.table_text(), "[13-14]");
  EXPECT_EQ((*covers)[2].slots.table_text(), "[15-16]");
  EXPECT_FALSE(plan_cover(uncovered, {}));
}

}  // namespace
}  // namespace ashlar::cli::cluster
