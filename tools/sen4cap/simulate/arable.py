"""The story of an arable parcel, drawn step by step in the order of the year."""

from __future__ import annotations

import datetime

import numpy as np
from numpy.typing import NDArray

from .crops import COVER_CROPS, CROPS, CoverCrop, Crop
from .kernel import FAMILIES, GOMPERTZ, LOGISTIC, THERMAL, grow, litter
from .story import EMERGED_LAI, NEVER, Story, blend, first_day
from .weather import Weather

Array = NDArray[np.float64]
UNSEEN_DAYS = 10
"""A stand below LAI 0.1 for longer than this when its end comes was dead already."""


class ArableField:
    """An arable parcel while its story is told: drawn step by step, in the order of the year."""

    def __init__(self, random: np.random.Generator, weather: Weather, soil: str, brightness: float) -> None:
        self.random, self.weather = random, weather
        self.days = len(weather.days)
        self.first = weather.days[0].astype(datetime.date)
        before, harvest = self._main_crop()
        after, next_sown = self._next_crop(before, harvest)
        self.story = Story(before, after, soil, brightness, harvest=harvest, next_sown=next_sown)
        self.layers: list[tuple[Array, Array, float]] = []  # green LAI, chlorophyll, flatness
        self.died = np.zeros(self.days)
        self.buried = np.zeros(self.days)
        self.flattened = np.zeros(self.days)
        self.laid = np.full(self.days, -1.0)
        self.fall_days = random.uniform(18, 45)

    def tell(self) -> Story:
        """Draw everything and compute the daily state."""
        story = self.story
        self._grow_main()
        with_cover = self._wants_cover()
        sown = self._cover_sowing() if with_cover else -1
        if with_cover and sown < story.next_sown - 60:
            self._volunteers(past=sown, chance=0.3)
            self._cover_crop(sown)
        else:
            self._leave_bare()
        self._grow_next()
        self._finish()
        return story

    # Dates -----------------------------------------------------------------------------------------------------------

    def day(self, month_day: str, year: int = 0) -> int:
        """Position of a day, MM-DD in the first year or `year` years later."""
        return self.weather.index(datetime.date.fromisoformat(f"{self.first.year + year}-{month_day}"))

    def between(self, low: float, high: float) -> int:
        """A day from `low` to `high`, both included."""
        return int(np.floor(self.random.uniform(low, max(low, high) + 1)))

    def _main_crop(self) -> tuple[Crop, int]:
        shares = np.array([crop.share_before for crop in CROPS])
        crop = CROPS[int(self.random.choice(len(CROPS), p=shares / shares.sum()))]
        early, late = crop.harvest
        first, last = self.day(early), self.day(late, int(late < early))
        return crop, round(self.random.triangular(first, (first + last) / 2, last))

    def _next_crop(self, before: Crop, harvest: int) -> tuple[Crop, int]:
        shares = []
        for crop in CROPS:
            latest = self.day(crop.sowing[1], int(crop.role != "winter"))
            share = crop.share_after if latest > harvest + 12 else 0.0
            if crop is before:
                share *= {"silage maize": 1.0, "grain maize": 1.0, "winter wheat": 0.4}.get(crop.name, 0.0)
            shares.append(share)
        chances = np.array(shares)
        crop = CROPS[int(self.random.choice(len(CROPS), p=chances / chances.sum()))]
        year = int(crop.role != "winter")
        first, last = self.day(crop.sowing[0], year), self.day(crop.sowing[1], year)
        return crop, self.between(max(first, harvest + 8), last)

    # Main crops ------------------------------------------------------------------------------------------------------

    def _grow_main(self) -> None:
        """Green LAI of the crop that is harvested: a double logistic, cut off at harvest."""
        story, random = self.story, self.random
        crop, time = story.before, np.arange(self.days, dtype=float)
        peak = random.uniform(*crop.peak)
        if crop.role == "winter":
            up, pace = self.day("04-08") + random.normal(0, 6), 13.0
        else:
            up, pace = self.day(crop.sowing[0]) + random.uniform(48, 70), 8.0
        green = peak / (1 + np.exp(-(time - up) / pace))
        if crop.ripens or crop.code in (901, 904):
            # Potato haulm is killed some two weeks before the lifter comes.
            ripe = story.harvest - random.uniform(14, 24)
            green /= 1 + np.exp((time - ripe) / (4.5 if crop.ripens else 2.5))
        else:
            green *= 1 - 0.25 / (1 + np.exp(-(time - story.harvest + 25) / 8))
        green[story.harvest :] = 0
        died = np.maximum(0, -np.diff(green, prepend=green[0]))
        died[story.harvest :] = 0
        self.died += 0.8 * died
        self.laid[story.harvest] = random.uniform(*crop.residue)
        self._layer(green, random.uniform(40, 58), crop.flatness)
        self._event(story.harvest, burying=0.0, laying=1.0)

    def _grow_next(self) -> None:
        """Green LAI of the next main crop, of whatever slope, until it is harvested in turn."""
        story, random = self.story, self.random
        crop = story.after
        base = {"silage maize": 7.5, "grain maize": 7.5, "beans": 8.0, "potatoes": 5.0, "early potatoes": 5.0}.get(
            crop.name, 3.0 if crop.role == "spring" else 0.5
        )
        need = random.uniform(*({"potatoes": (150, 220), "early potatoes": (140, 200)}.get(crop.name, (60, 110))))
        start = self._germination(story.next_sown, base, need, rain=3.0)
        harvest, ripening = NEVER, NEVER
        if crop.role != "other":
            first, last = self.day(crop.harvest[0], 1), self.day(crop.harvest[1], 1)
            harvest = max(self.between(first, last), story.next_sown + 75)
            ripening = harvest - self.between(26, 34) if crop.ripens else NEVER
        speed = random.uniform(0.008, 0.012) if crop.role == "winter" else random.uniform(0.011, 0.019)
        green, dead = grow(
            start, min(harvest, self.days), random.uniform(0.02, 0.05), np.full(self.days, random.uniform(*crop.peak)),
            int(random.choice([THERMAL, THERMAL, GOMPERTZ])) if crop.role != "winter" else THERMAL,
            speed, base, self.weather.mean, self.weather.light, self._no_loss(), self._no_loss(), ripening, 24.0,
        )  # fmt: skip
        if harvest < self.days:
            self.laid[harvest] = random.uniform(*crop.residue)
            self._event(harvest, burying=0.0, laying=1.0)
        self.died += dead
        self._layer(green, random.uniform(40, 58), crop.flatness)
        story.next_emergence = first_day(green >= EMERGED_LAI)

    # The time between ------------------------------------------------------------------------------------------------

    def _wants_cover(self) -> bool:
        story = self.story
        chance = story.before.cover_chance
        if story.after.role == "winter":
            chance = 0.12 if story.harvest < self.day("08-01") and story.next_sown > self.day("10-05") else 0.0
        elif story.harvest > self.day("10-15"):
            chance *= 0.35
        return bool(self.random.random() < chance)

    def _cover_sowing(self) -> int:
        story = self.story
        if story.harvest < self.day("08-25"):
            wait = 4 + self.random.gamma(2.0, 8.0)
            latest = max(self.day("09-20"), story.harvest + 6)
            return int(max(min(story.harvest + wait, latest), self.day("07-24")))
        return story.harvest + self.between(2, 14)

    def _cover_crop(self, sown: int) -> None:
        story, random = self.story, self.random
        early = sown <= self.day("09-15")
        shares = np.array([cover.share_early if early else cover.share_late for cover in COVER_CROPS])
        cover = COVER_CROPS[int(random.choice(len(COVER_CROPS), p=shares / shares.sum()))]
        story.cover, story.sown = cover, sown
        if random.random() < 0.75:
            self._event(sown, burying=random.uniform(0.4, 0.85))
        frost = self._frost(random.uniform(*cover.kill))
        starts, parts = self._flushes(sown, cover)
        ending = self._ending(starts[0])
        kind, day, gone = ending
        frozen = self._frozen(frost, starts[0], day, cover)
        dying_days = {"herbicide": random.uniform(14, 28), "rolling": random.uniform(7, 14)}.get(kind, 20.0)
        dying_from = day if kind in ("herbicide", "rolling") else NEVER
        if frozen >= 0:
            kind, day, dying_from, dying_days = "frost", frozen, frozen, random.uniform(10, 25)
        kept = self._cuts(starts[0], day, kind, cover)
        family, speed = self._growth(cover, starts[0])
        seedling, survival = random.uniform(0.02, 0.05), frost * self._wear(starts[0], cover)
        ceiling = self._ceiling(cover, day if kind == "mowing" else NEVER)
        stand, dead = np.zeros(self.days), np.zeros(self.days)
        for start, part in zip(starts, parts, strict=True):
            green, lost = grow(
                start, gone, seedling * part, ceiling * part, family, speed, cover.base,
                self.weather.mean, self.weather.light, survival, kept, dying_from, dying_days,
            )  # fmt: skip
            stand, dead = stand + green, dead + lost
        dead[min(gone, self.days - 1) :] = 0
        self._close(kind, day, gone, stand, dead)
        chlorophyll = np.full(self.days, random.uniform(*cover.chlorophyll))
        if dying_from < self.days:
            time = np.arange(self.days) - dying_from
            chlorophyll *= 1 - 0.6 * np.clip(time / dying_days, 0, 1)
        self.died += dead
        self._layer(stand, chlorophyll, cover.flatness)
        story.stand, story.family, story.flushes = stand, FAMILIES[family], len(starts)
        story.kind, story.termination = kind, day if day < self.days else -1
        story.emergence = first_day(stand >= EMERGED_LAI)
        story.half_gone = self._half_gone(stand, story.termination)
        if kind in ("frost", "herbicide", "rolling") and gone > day + 20 and random.random() < 0.5:
            self._weeds(day + self.between(5, 30), gone, random.uniform(0.1, 0.8))
        stripped = self._stripped(stand, min(day, self.days))
        if stripped >= 0:
            story.kind, story.termination = "frost", stripped
            story.half_gone = self._half_gone(stand, stripped)

    def _flushes(self, sown: int, cover: CoverCrop) -> tuple[list[int], list[float]]:
        """Days on which the stand comes up and the share that comes each time: some seed waits for the next rain."""
        first = self._germination(sown, cover.base, self.random.uniform(55, 95), rain=self.random.uniform(3, 9))
        if self.random.random() > 0.3:
            return [first], [1.0]
        share = self.random.uniform(0.25, 0.6)
        wet = np.flatnonzero(self.weather.precipitation[first + 8 : first + 40] >= 6)
        second = first + 8 + (int(wet[0]) + 5 if len(wet) else 20)
        return [first, second], [1 - share, share]

    def _growth(self, cover: CoverCrop, start: int) -> tuple[int, float]:
        family = int(self.random.choice([THERMAL, LOGISTIC, GOMPERTZ], p=[0.5, 0.25, 0.25]))
        speed = self.random.uniform(*cover.speed)
        if family != THERMAL:
            # A calendar-driven stand keeps the pace of the temperature that it came up in.
            warmth = self.weather.mean[start : start + 40].mean() - cover.base
            speed *= float(np.clip(warmth / 12.0, 0.12, 1.1))
        return family, speed

    def _ending(self, start: int) -> tuple[str, int, int]:
        """How, when, and the day on which nothing green is left: the tillage before the next crop at the latest."""
        story, random = self.story, self.random
        sowing = story.next_sown
        seedbed = max(sowing - self.between(0, 6), start + 30)
        if story.after.role == "winter":
            return "ploughing", seedbed, seedbed
        lot = random.random()
        if lot < (0.35 if story.after.name == "beans" else 0.035):
            # Still standing at the season's end: the next crop is late, or the stand is kept.
            if random.random() < 0.3:
                story.next_sown = NEVER
                return "none", NEVER, NEVER
            story.next_sown = sowing = max(sowing, self.between(self.day("06-12", 1), self.day("06-30", 1)))
            return "ploughing", sowing - self.between(2, 9), sowing - 2
        least = start + 50
        kind = str(
            random.choice(["winter", "ploughing", "rolling", "herbicide", "mowing"], p=[0.2, 0.3, 0.1, 0.25, 0.15])
        )
        if kind == "winter":
            day = self.between(self.day("11-20"), self.day("01-31", 1))
            if least < day < seedbed:
                return "ploughing", day, day
            kind = "ploughing"
        lead = {"ploughing": (0, 32), "rolling": (4, 30), "herbicide": (8, 40), "mowing": (8, 32)}[kind]
        day = max(seedbed - self.between(*lead), self.day("02-01", 1), least)
        day = min(day, seedbed)
        return kind, day, day if kind == "ploughing" else max(seedbed, day + 2)

    def _ceiling(self, cover: CoverCrop, mown: int) -> Array:
        """LAI that the stand tends to: more in spring where it overwinters, less after the cut that ends it."""
        ceiling = np.full(self.days, self.random.uniform(*cover.peak))
        spring = self.random.uniform(1.0, 1.7)
        if cover.regrows:
            ceiling[self.day("02-15", 1) :] *= spring
        if mown < self.days:
            ceiling[mown:] *= self.random.uniform(0.15, 0.5)
        return np.minimum(ceiling, 6.0)

    def _wear(self, start: int, cover: CoverCrop) -> Array:
        """Share of leaves alive the next day: cold takes some every day, and short-lived species age after bloom."""
        hardy = cover.regrows
        toll = self.random.uniform(*((0.003, 0.015) if hardy else (0.012, 0.03)))
        alive = 1 - toll * np.clip((4 - self.weather.mean) / 8, 0, 1)
        if not hardy:
            alive[start + self.between(60, 95) :] -= self.random.uniform(0.002, 0.009)
        return alive

    def _frozen(self, survival: Array, start: int, day: int, cover: CoverCrop) -> int:
        """Day on which frost ends a stand that cannot grow again; -1 where it lives until `day`."""
        if cover.regrows:
            return -1
        alive = np.cumprod(survival[start : min(day, self.days)])
        if len(alive) == 0 or alive[-1] > 0.35:
            return -1
        return start + int(np.argmax(alive < 0.5))

    def _stripped(self, stand: Array, day: int) -> int:
        """Day on which the cold left less than half of a hardy stand that was not to be seen again before `day`.

        -1 where it lived: LAI 0.1 or more within `UNSEEN_DAYS` before.
        """
        standing = np.flatnonzero(stand[:day] >= EMERGED_LAI)
        if len(standing) == 0 or day - standing[-1] <= UNSEEN_DAYS:
            return -1
        first = max(int(standing[-1]) - UNSEEN_DAYS, 0)
        best = first + int(np.argmax(stand[first : standing[-1] + 1]))
        return best + int(np.argmax(stand[best:day] < 0.5 * stand[best]))

    def _cuts(self, start: int, day: int, kind: str, cover: CoverCrop) -> Array:
        """Share left standing by cuts: the one that ends the stand, and now and then one before for fodder."""
        kept = self._no_loss()
        if kind == "mowing":
            kept[day] = self.random.uniform(0.12, 0.25)
        if cover.regrows and self.random.random() < 0.15:
            cut = start + self.between(50, 80)
            if cut < day - 60:
                kept[cut] = self.random.uniform(0.25, 0.45)
                self.story.cut = cut
        if kind == "rolling" and day < self.days:
            kept[day] = self.random.uniform(0.5, 0.7)
        return kept

    def _close(self, kind: str, day: int, gone: int, stand: Array, dead: Array) -> None:
        """What the end does to the litter; the seedbed buries the rest."""
        if gone >= self.days:
            return
        left = stand[gone - 1] if gone > 0 else 0.0
        if kind == "rolling":
            dead[day] += stand[day - 1] - stand[day] if stand[day - 1] > stand[day] else 0.0
            self.flattened[day] = 0.8
        if kind == "mowing":
            dead[day] += 0.4 * max(0.0, stand[day - 1] - stand[day])
            self.flattened[day] = 0.9
        self._event(
            gone, burying=self.random.uniform(0.9, 0.98) if kind == "ploughing" else self.random.uniform(0.5, 0.95)
        )
        if kind != "ploughing":
            dead[gone] += 0.3 * left

    def _half_gone(self, stand: Array, day: int) -> int:
        if day < 1:
            return -1
        eve = stand[day - 1]
        after = np.flatnonzero(stand[day:] < 0.5 * eve)
        return day + int(after[0]) if eve > 0 and len(after) else -1

    def _leave_bare(self) -> None:
        """No cover crop: ploughed in autumn, cultivated, or stubble until spring; volunteers and weeds as it comes."""
        story, random = self.story, self.random
        story.stand = np.zeros(self.days)
        seedbed = max(story.harvest + 2, story.next_sown - self.between(0, 6))
        if story.after.role == "winter":
            story.fallow = "winter crop"
            early = story.harvest + self.between(4, 30)
            if early < seedbed - 15 and random.random() < 0.7:
                self._volunteers(past=early, chance=0.5)
                self._event(early, burying=random.uniform(0.4, 0.7))
                self._volunteers(past=seedbed, chance=0.4, since=early)
            else:
                self._volunteers(past=seedbed, chance=0.5)
            self._event(seedbed, burying=random.uniform(0.6, 0.97))
            return
        story.fallow = str(random.choice(["ploughed", "cultivated", "stubble"], p=[0.33, 0.4, 0.27]))
        spring = max(story.harvest + 1, seedbed - self.between(0, 28))
        winter_end = spring
        if story.fallow == "ploughed":
            winter_end = min(story.harvest + self.between(10, 90), spring)
            self._volunteers(past=winter_end, chance=0.55)
            self._event(winter_end, burying=random.uniform(0.93, 0.99))
            if random.random() < 0.35:
                self._weeds(winter_end + self.between(30, 110), seedbed, random.uniform(0.05, 0.4))
        elif story.fallow == "cultivated":
            tilled = min(story.harvest + self.between(3, 25), spring)
            self._volunteers(past=tilled, chance=0.4)
            self._event(tilled, burying=random.uniform(0.35, 0.7))
            self._volunteers(past=spring, chance=0.75, since=tilled)
            if random.random() < 0.45:
                self._weeds(tilled + self.between(15, 90), spring, min(1.6, random.lognormal(np.log(0.3), 0.8)))
        else:
            self._volunteers(past=spring, chance=0.8)
            if random.random() < 0.55:
                self._weeds(
                    story.harvest + self.between(20, 100), spring, min(1.6, random.lognormal(np.log(0.35), 0.8))
                )
        self._event(spring, burying=random.uniform(0.6, 0.97))
        self._event(seedbed, burying=random.uniform(0.3, 0.8))

    def _volunteers(self, *, past: int, chance: float, since: int = -1) -> None:
        """Spilled grain that comes up after harvest or a first cultivation; most of it stays thin."""
        story, random = self.story, self.random
        spilled = {"winter wheat": 1.0, "winter barley": 1.1, "spring barley": 1.0, "winter rapeseed": 1.3, "peas": 0.8}
        factor = spilled.get(story.before.name, 0.45)
        if random.random() > chance * min(1.0, factor):
            return
        start = self._germination(max(story.harvest, since), 2.0, random.uniform(50, 110), rain=random.uniform(5, 12))
        self._weeds(start, past, min(2.4, factor * random.lognormal(np.log(0.75), 0.75)))

    def _weeds(self, start: int, past: int, peak: float) -> None:
        if past <= start:
            return
        random = self.random
        kill = random.uniform(-14, -6)
        green, dead = grow(
            start, past, min(0.01, 0.3 * peak), np.full(self.days, peak), THERMAL, random.uniform(0.009, 0.016), 2.0,
            self.weather.mean, self.weather.light, self._frost(kill), self._no_loss(), NEVER, 1.0,
        )  # fmt: skip
        self.died += dead
        self.story.weeds = self.story.weeds + green if len(self.story.weeds) else green
        self._layer(green, random.uniform(30, 46), random.uniform(0.9, 1.5))

    # Helpers ---------------------------------------------------------------------------------------------------------

    def _germination(self, sown: int, base: float, need: float, *, rain: float) -> int:
        """First day with enough warmth and, unless the ground is moist, enough rain since sowing."""
        if sown >= self.days:
            return NEVER
        warm = np.cumsum(np.maximum(0, self.weather.mean[sown:] - base))
        wet = (np.cumsum(self.weather.precipitation[sown:]) >= rain) | (self.weather.moisture[sown:] > 0.6)
        ready = np.flatnonzero((warm >= need) & np.logical_or.accumulate(wet))
        return sown + int(ready[0]) if len(ready) else NEVER

    def _frost(self, kill: float) -> Array:
        """Share of green leaves that each night leaves alive; half of them die at `kill` degree C."""
        night = self.weather.lowest
        return 1 - np.where(night < -0.5, 1 / (1 + np.exp((night - kill) / 0.7)), 0.0)

    def _no_loss(self) -> Array:
        return np.ones(self.days)

    def _event(self, day: int, *, burying: float, laying: float = 0.0) -> None:
        if 0 <= day < self.days:
            self.buried[day] = 1 - (1 - self.buried[day]) * (1 - burying)
            self.flattened[day] = max(self.flattened[day], laying)

    def _layer(self, green: Array, chlorophyll: Array | float, flatness: float) -> None:
        self.layers.append((green, np.broadcast_to(np.asarray(chlorophyll, dtype=float), green.shape), flatness))

    def _finish(self) -> None:
        story, weather = self.story, self.weather
        story.brown, story.residue, story.weathering = litter(
            self.died, self.buried, self.flattened, self.laid, weather.mean, weather.moisture, self.fall_days
        )
        story.moisture = np.clip(weather.moisture * self.random.uniform(0.85, 1.1), 0, 1)
        if not len(story.weeds):
            story.weeds = np.zeros(self.days)
        blend(story, self.layers, weather)
        if story.cover is not None and not 0 <= story.emergence < (
            story.termination if story.termination >= 0 else NEVER
        ):
            # Sown, but it never covered anything: the ground stayed as it was.
            story.emergence = story.termination = story.half_gone = -1
            story.kind, story.fallow = "", "failed"
