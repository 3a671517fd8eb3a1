"""Where the campaign's houses may stand: rough public knowledge, rounded."""

from typing import NamedTuple


class State(NamedTuple):
    """ZIPs: first_prefix*100+1 to last_prefix*100+99. weight: share of listings. median: in thousands."""

    name: str
    first_prefix: int
    last_prefix: int
    weight: int
    median: int


STATES = (
    State("Alabama", 350, 369, 29, 225),
    State("Alaska", 995, 999, 4, 360),
    State("Arizona", 850, 865, 73, 430),
    State("Arkansas", 716, 729, 25, 200),
    State("California", 900, 961, 227, 750),
    State("Colorado", 800, 816, 45, 540),
    State("Connecticut", 60, 69, 36, 390),
    State("Delaware", 197, 199, 8, 360),
    State("District of Columbia", 200, 205, 8, 640),
    State("Florida", 320, 349, 250, 400),
    State("Georgia", 300, 319, 81, 330),
    State("Hawaii", 967, 968, 9, 830),
    State("Idaho", 832, 838, 16, 440),
    State("Illinois", 600, 629, 84, 260),
    State("Indiana", 460, 479, 41, 235),
    State("Iowa", 500, 528, 24, 210),
    State("Kansas", 660, 679, 17, 230),
    State("Kentucky", 400, 427, 24, 220),
    State("Louisiana", 700, 714, 27, 215),
    State("Maine", 39, 49, 14, 350),
    State("Maryland", 206, 219, 46, 410),
    State("Massachusetts", 10, 27, 52, 600),
    State("Michigan", 480, 499, 63, 230),
    State("Minnesota", 550, 567, 68, 330),
    State("Mississippi", 386, 397, 12, 190),
    State("Missouri", 630, 658, 45, 240),
    State("Montana", 590, 599, 9, 450),
    State("Nebraska", 680, 693, 11, 250),
    State("Nevada", 889, 898, 23, 440),
    State("New Hampshire", 30, 38, 14, 440),
    State("New Jersey", 70, 89, 87, 490),
    State("New Mexico", 870, 884, 12, 300),
    State("New York", 100, 149, 160, 480),
    State("North Carolina", 270, 289, 84, 330),
    State("North Dakota", 580, 588, 6, 255),
    State("Ohio", 430, 459, 55, 215),
    State("Oklahoma", 730, 749, 31, 210),
    State("Oregon", 970, 979, 41, 490),
    State("Pennsylvania", 150, 196, 100, 270),
    State("Puerto Rico", 6, 9, 12, 190),
    State("Rhode Island", 28, 29, 11, 430),
    State("South Carolina", 290, 299, 49, 310),
    State("South Dakota", 570, 577, 7, 290),
    State("Tennessee", 370, 385, 53, 330),
    State("Texas", 750, 799, 211, 330),
    State("Utah", 840, 847, 16, 520),
    State("Vermont", 50, 59, 8, 370),
    State("Virginia", 220, 246, 55, 390),
    State("Washington", 980, 994, 79, 590),
    State("West Virginia", 247, 268, 9, 170),
    State("Wisconsin", 530, 549, 64, 280),
    State("Wyoming", 820, 831, 5, 330),
)

_STEMS = """
Alder Amber Ash Aspen Badger Bay Bear Beaver Birch Black Blue Bridge Bright Brook Buck Camden Canyon
Cedar Chester Clay Clear Clinton Copper Coral Crystal Dayton Deer Dover Eagle East Edge Elk Elm Fair
Falcon Fern Forest Fox Franklin Garden George Glen Gold Grand Granite Green Grove Hamilton Harbor
Hart Hawk Hazel Heron Hickory High Hudson Iron Ivy Jackson Jasper Jefferson Juniper King Lancaster
Laurel Liberty Lincoln Linden Locust Madison Maple Marble Marion Meadow Mill Milton Monroe Moss
North Oak Orchard Oxford Palm Pearl Pine Plain Quail Raven Red River Rose Salem Sand Silver Spring
Stone Summer Sun Swan Sycamore Timber Union Valley Vernon Walnut Warren West White Willow Windsor
Winter Wolf
"""

_FORMS = """
{}ton,{}ville,{}wood,{}field,{}dale,{}burg,{}view,{}land,{}ford,{}mont,{}side,{}ham,
{} Beach,{} Center,{} City,{} Creek,{} Falls,{} Grove,{} Heights,{} Hills,{} Junction,
{} Park,{} Point,Fort {},Lake {},Mount {},New {},Port {}
"""

CITY_NAMES = tuple(
    form.strip().format(stem)
    for stem in _STEMS.split()
    for form in _FORMS.split(",")
    if stem not in form
)
